// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// leaks are the ways in which the API might hand a secret back, each on an
// account of its own.
var leaks = map[string]func(*cloudflaretest.Account) cloudflaretest.Fault{
	"success": nil,
	"response lost": func(*cloudflaretest.Account) cloudflaretest.Fault {
		return cloudflaretest.Fault{Op: cloudflaretest.Link, Drop: true, After: true}
	},
	"response lost and nothing linked": func(*cloudflaretest.Account) cloudflaretest.Fault {
		return cloudflaretest.Fault{Op: cloudflaretest.Link, Drop: true}
	},
	"refused, echoing": func(account *cloudflaretest.Account) cloudflaretest.Fault {
		return cloudflaretest.Fault{Op: cloudflaretest.Link, Status: http.StatusBadRequest, Edit: echo(account, apiError)}
	},
	"failed, echoing": func(account *cloudflaretest.Account) cloudflaretest.Fault {
		account.SetLinkModel(cloudflaretest.Silent())
		return cloudflaretest.Fault{Op: cloudflaretest.Link, Status: http.StatusInternalServerError, Edit: echo(account, apiError)}
	},
	"page of a proxy, echoing": func(account *cloudflaretest.Account) cloudflaretest.Fault {
		return cloudflaretest.Fault{
			Op: cloudflaretest.Link, Status: http.StatusForbidden, Header: http.Header{"Content-Type": {"text/html"}},
			Edit: echo(account, "<html><body>No %s here</body></html>"),
		}
	},
	"redirected": func(account *cloudflaretest.Account) cloudflaretest.Fault {
		account.SetLinkModel(cloudflaretest.Silent())
		header := http.Header{"Location": {""}}
		return cloudflaretest.Fault{
			Op: cloudflaretest.Link, Status: http.StatusFound, Header: header,
			Hook: func() { header.Set("Location", "/moved/"+last(account.Tokens())) },
			Edit: echo(account, `<a href="/moved/%s">moved</a>`),
		}
	},
	"token made without success": func(account *cloudflaretest.Account) cloudflaretest.Fault {
		return cloudflaretest.Fault{Op: cloudflaretest.Token, Edit: echo(account, `{"success": false, "errors": [], "messages": ["%[1]s"], "result": {"id": "%[1]s"}}`)}
	},
	"token cut short": func(*cloudflaretest.Account) cloudflaretest.Fault {
		return cloudflaretest.Fault{Op: cloudflaretest.Token, Edit: func(body []byte) []byte { return body[:len(body)-3] }}
	},
}

const apiError = `{"success": false, "messages": [], "errors": [
	{"code": 17100, "message": "Unknown token %[1]s", "documentation_url": "https://example.com/?token=%[1]s", "source": {"pointer": "/%[1]s"},
	 "error_chain": [{"code": "%[1]s", "message": "%[1]s"}]}]}`

// echo makes a response of the secrets in many forms.
func echo(account *cloudflaretest.Account, format string) func([]byte) []byte {
	return func([]byte) []byte {
		var forms []string
		for _, secret := range []string{last(account.Tokens()), cloudflaretest.APIToken, cloudflaretest.APIKey} {
			plain := strings.ReplaceAll(secret, "-", "")
			dashed := plain[:8] + "-" + plain[8:12] + "-" + plain[12:16] + "-" + plain[16:20] + "-" + plain[20:]
			forms = append(forms, secret, plain, dashed, strings.ToUpper(secret))
		}
		return fmt.Appendf(nil, format, strings.Join(forms, " "))
	}
}

func last(s []string) string { return s[len(s)-1] }

// TestSecretsStayOut connects accounts in all the ways above, with every log that
// there is, and looks for the secrets in everything that terraform has written.
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		credential string
		config     string
		env        []string
	}{
		"token from the environment": {credential: cloudflaretest.APIToken},
		"token from a variable": {
			credential: cloudflaretest.APIToken,
			config:     "variable \"token\" {\n  ephemeral = true\n}\n\nprovider \"pagerduty\" {\n  api_token = var.token\n}\n",
			env:        []string{"CLOUDFLARE_API_TOKEN=", "TF_VAR_token=" + cloudflaretest.APIToken},
		},
		"legacy key": {
			credential: cloudflaretest.APIKey,
			env:        []string{"CLOUDFLARE_API_TOKEN=", "CLOUDFLARE_API_KEY=" + cloudflaretest.APIKey, "CLOUDFLARE_EMAIL=" + cloudflaretest.Email},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := cloudflaretest.New(t)
			accounts := map[string]*cloudflaretest.Account{}
			for i, leak := range slices.Sorted(maps.Keys(leaks)) {
				id := fmt.Sprintf("%032x", i+1)
				accounts[id] = server.Account(id)
				if i%2 == 0 {
					spendToken(t, server, id) // The next one has dashes.
				}
				if fault := leaks[leak]; fault != nil {
					f := fault(accounts[id])
					f.Account = id
					server.Fail(f)
				}
			}
			server.ResetRequests()
			config := fmt.Sprintf("resource \"pagerduty_connection\" \"this\" {\n  for_each   = toset([\"%s\"])\n  account_id = each.key\n}\n",
				strings.Join(slices.Sorted(maps.Keys(accounts)), `", "`))
			w := newWorkspace(t, server, test.config+config, test.env...)
			log := filepath.Join(w.Dir, "log")
			w.Env = append(w.Env, "TF_LOG=trace", "TF_LOG_PROVIDER=trace", "TF_LOG_PATH="+log)

			w.Write("plan.txt", w.Run(0, "plan", "-out=saved.tfplan"))
			w.Write("apply.txt", w.Run(1, "apply", "-parallelism=20", "saved.tfplan"))
			if got := len(w.State()); got != len(leaks)-2 { // All but those without a token.
				t.Errorf("%d connections in the state", got)
			}
			w.Write("plan2.txt", w.Run(0, "plan", "-out=second.tfplan"))
			server.Heal()
			w.Write("destroy.txt", w.Run(0, "destroy"))

			secrets := []string{test.credential}
			for id, account := range accounts {
				if len(account.Tokens()) == 0 {
					t.Errorf("no token was made for account %s", id)
				}
				secrets = append(secrets, account.Tokens()...)
			}
			written := contents(t, w.Dir)
			for _, file := range []string{"log", "apply.txt", "destroy.txt", "saved.tfplan/tfplan", "second.tfplan/tfstate", "terraform.tfstate", "terraform.tfstate.backup"} {
				if len(written[file]) == 0 {
					t.Errorf("%s was not written", file)
				}
			}
			for file, content := range written {
				expectNoSecret(t, file, content, secrets)
			}
			if !strings.Contains(string(written["apply.txt"]), "[redacted]") {
				t.Errorf("nothing was masked:\n%s", written["apply.txt"])
			}
			expectLogged(t, written["log"], server.Requests())
		})
	}
}

// spendToken uses up the token that an account would give next.
func spendToken(t *testing.T, server *cloudflaretest.Server, accountID string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL()+"/accounts/"+accountID+"/alerting/v3/destinations/pagerduty/connect", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+cloudflaretest.APIToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatal(resp.Status)
	}
}

// contents reads all files in a folder; of a saved plan, each file that is in it.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil || !strings.HasSuffix(path, ".tfplan") {
			files[path] = content
			return err
		}
		archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return err
		}
		for _, packed := range archive.File {
			file, err := packed.Open()
			if err != nil {
				return err
			}
			if files[path+"/"+packed.Name], err = io.ReadAll(file); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// expectNoSecret looks for secrets in any case, with or without dashes, with its
// dashes escaped, broken over lines, and in base64.
func expectNoSecret(t *testing.T, file string, content []byte, secrets []string) {
	t.Helper()
	text := bare(string(content))
	for _, secret := range secrets {
		if i := strings.Index(text, bare(secret)); i >= 0 {
			t.Errorf("%s holds the secret %s: …%s…", file, secret, text[max(i-100, 0):min(i+150, len(text))])
		}
		if strings.Contains(string(content), base64.RawStdEncoding.EncodeToString([]byte(secret))) {
			t.Errorf("%s holds the secret %s in base64", file, secret)
		}
	}
}

// bare leaves lower-case letters and digits only.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ReplaceAll(strings.ToLower(s), "%2d", ""))
}

// expectLogged wants one line in the log for each request, and no headers.
func expectLogged(t *testing.T, log []byte, requests []cloudflaretest.Request) {
	t.Helper()
	for _, header := range []string{"authorization", "x-auth-key", "x-auth-email", "bearer "} {
		if i := bytes.Index(bytes.ToLower(log), []byte(header)); i >= 0 {
			t.Errorf("the log has %q: …%s…", header, log[max(i-100, 0):min(i+100, len(log))])
		}
	}
	want := map[string]int{}
	for _, r := range requests {
		path := strings.TrimPrefix(r.Path, "/client/v4")
		if r.Token != "" {
			path = strings.TrimSuffix(path, r.Token) + "[redacted]"
		}
		want[fmt.Sprint(r.Method, " ", path, " ", r.Status)]++
	}
	got := map[string]int{}
	for line := range strings.Lines(string(log)) {
		if !strings.Contains(line, "Cloudflare API request") {
			continue
		}
		method, path := field(line, "method"), field(line, "path")
		status, _ := strconv.Atoi(field(line, "status")) // There is none without a response.
		got[fmt.Sprint(method, " ", path, " ", status)]++
		if n, err := strconv.Atoi(field(line, "attempt")); err != nil || n < 1 {
			t.Errorf("no attempt in: %s", line)
		}
		if _, err := strconv.Atoi(field(line, "duration_ms")); err != nil {
			t.Errorf("no duration in: %s", line)
		}
		if (status == 0) != (field(line, "cf_ray") == "") || (status == 0) != (field(line, "error") != "") {
			t.Errorf("no CF-Ray, or no error, in: %s", line)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("logged requests:\n%v\nwant:\n%v", got, want)
	}
}

// field is the value of a field in a line of the log.
func field(line, name string) string {
	match := regexp.MustCompile(` ` + name + `=("[^"]*"|\S*)`).FindStringSubmatch(line)
	if match == nil {
		return ""
	}
	return strings.Trim(match[1], `"`)
}
