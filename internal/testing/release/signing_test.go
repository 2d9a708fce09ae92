// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

//go:build install

package release

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// keyVariable holds the path of the key that the program signs with when it runs
// as gpg.
const keyVariable = "RELEASE_TEST_KEY"

// key is a signing key that lasts as long as the tests.
type key struct{ entity *openpgp.Entity }

// newKey makes an RSA key: registries take no other kind but DSA.
func newKey() (key, error) {
	entity, err := openpgp.NewEntity("Install test", "", "install-test@example.invalid", &packet.Config{RSABits: 3072})
	return key{entity: entity}, err
}

// id is what terraform calls the key.
func (k key) id() string { return k.entity.PrimaryKey.KeyIdString() }

func (k key) fingerprint() string {
	return strings.ToUpper(hex.EncodeToString(k.entity.PrimaryKey.Fingerprint))
}

// public is the key as a registry gives it, armoured.
func (k key) public() (string, error) {
	var b strings.Builder
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err != nil {
		return "", err
	}
	if err := k.entity.Serialize(w); err != nil {
		return "", err
	}
	err = w.Close()
	return b.String(), err
}

// sign makes a detached, binary signature.
func (k key) sign(content []byte) ([]byte, error) {
	var b bytes.Buffer
	err := openpgp.DetachSign(&b, k.entity, bytes.NewReader(content), nil)
	return b.Bytes(), err
}

// verify checks such a signature.
func (k key) verify(content, signature []byte) error {
	_, err := openpgp.CheckDetachedSignature(openpgp.EntityList{k.entity}, bytes.NewReader(content), bytes.NewReader(signature), nil)
	return err
}

// forGPG gets the key ready for the gpg that .goreleaser.yml signs with, and
// returns the variables with which it does and a function that ends what was
// started. Where there is no gpg, this program runs in its place.
func (k key) forGPG(ctx context.Context, dir string) (env []string, end func(), err error) {
	var private bytes.Buffer
	if err := k.entity.SerializePrivate(&private, nil); err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, "key")
	if err := os.WriteFile(path, private.Bytes(), 0o600); err != nil {
		return nil, nil, err
	}
	env = []string{"GPG_FINGERPRINT=" + k.fingerprint()}

	if _, err := exec.LookPath("gpg"); err != nil {
		executable, err := os.Executable()
		if err != nil {
			return nil, nil, err
		}
		bin := filepath.Join(dir, "bin")
		if err := os.Mkdir(bin, 0o700); err != nil {
			return nil, nil, err
		}
		if err := os.Symlink(executable, filepath.Join(bin, "gpg")); err != nil {
			return nil, nil, err
		}
		return append(env, keyVariable+"="+path, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH")), func() {}, nil
	}

	// The path of the agent's socket in it must be short.
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		return nil, nil, err
	}
	env = append(env, "GNUPGHOME="+home)
	end = func() {
		_, _ = output(context.WithoutCancel(ctx), dir, env, "gpgconf", "--kill", "all") // It may not have been started.
		os.RemoveAll(home)
	}
	if _, err := output(ctx, dir, env, "gpg", "--batch", "--import", path); err != nil {
		end()
		return nil, nil, err
	}
	return env, end, nil
}

// asGPG does the one thing that releases need of gpg, and takes no other arguments.
func asGPG(args []string) error {
	flags := flag.NewFlagSet("gpg", flag.ContinueOnError)
	flags.Bool("batch", false, "")
	flags.Bool("no-armor", false, "")
	user := flags.String("local-user", "", "")
	out := flags.String("output", "", "")
	detach := flags.Bool("detach-sign", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	file, err := os.Open(os.Getenv(keyVariable))
	if err != nil {
		return err
	}
	defer file.Close()
	keys, err := openpgp.ReadKeyRing(file)
	if err != nil {
		return err
	}
	k := key{entity: keys[0]}
	if !*detach || *user != k.fingerprint() || flags.NArg() != 1 {
		return fmt.Errorf("unexpected arguments: %q", args)
	}
	content, err := os.ReadFile(flags.Arg(0))
	if err != nil {
		return err
	}
	signature, err := k.sign(content)
	if err != nil {
		return err
	}
	return os.WriteFile(*out, signature, 0o600)
}
