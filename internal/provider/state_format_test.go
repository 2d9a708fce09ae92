// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// stateFormat is what terraform keeps of a connection in a state file, under one
// version of the schema.
type stateFormat struct {
	typ    string   // names and types of all attributes
	states []string // as they stand in a state file

	// The same of the identity, whose schema has a version of its own.
	identityVersion int64
	identityType    string
	identity        string
}

// stateFormats has a format for each version of the schema, the newest last.
//
// A released one stays as it is: users have states in it. A change of the schema
// that makes these tests fail brings a higher Version, an upgrader from each
// version before it, and one more format here.
var stateFormats = []stateFormat{
	0: {
		typ: `["object",{"account_id":"string","adopt_existing":"bool","connection_id":"string","id":"string",` +
			`"services":["list",["object",{"id":"string","name":"string"}]],` +
			`"timeouts":["object",{"create":"string","delete":"string"}],"wait_for_services":"bool"}]`,
		identityType: `["object",{"account_id":"string"}]`,
		states: []string{
			// Connected.
			`{"account_id":"` + accountA + `","adopt_existing":false,"connection_id":"` + pinnedConnection + `","id":"` + accountA + `",` +
				`"services":[{"id":"` + primary.ID + `","name":"` + primary.Name + `"}],` +
				`"timeouts":{"create":"5m","delete":null},"wait_for_services":true}`,
			// Imported.
			`{"account_id":"` + accountA + `","adopt_existing":false,"connection_id":null,"id":"` + accountA + `",` +
				`"services":[{"id":"` + primary.ID + `","name":"` + primary.Name + `"}],"timeouts":null,"wait_for_services":false}`,
		},
		identity: `{"account_id":"` + accountA + `"}`,
	},
}

// pinnedConnection stands for the ID of a link, which the fake API makes up.
const pinnedConnection = "c0ffee00c0ffee00c0ffee00c0ffee00"

// Whoever changes the format has to say so: the newest one is pinned, to the byte.
func TestStateFormatIsPinned(t *testing.T) {
	t.Parallel()
	newest := len(stateFormats) - 1
	want := stateFormats[newest]
	server := offline(t)
	linking(server.a, primary)
	s := newCore(t, server, nil)

	if version := s.schemas.ResourceSchemas[connectionType].Version; version != int64(newest) {
		t.Errorf("version %d of the schema, want %d", version, newest)
	}
	if version := s.identitySchema().Version; version != want.identityVersion {
		t.Errorf("version %d of the identity's schema, want %d", version, want.identityVersion)
	}
	expectFormat(t, "type", marshal(t, s.connection()), want.typ)
	expectFormat(t, "type of the identity", marshal(t, s.identitySchema().ValueType()), want.identityType)

	created := s.create(object{"timeouts": object{"create": "5m"}, "wait_for_services": true})
	expect(t, created.diags)
	if id, _ := created.state["connection_id"].(string); id == "" {
		t.Error("no connection_id")
	}
	created.state = with(created.state, object{"connection_id": pinnedConnection})
	imported := s.rerun(nil).importID(accountA)
	expect(t, imported.diags)
	for i, out := range []outcome{created, imported} {
		expectFormat(t, "state", s.stored(t, s.connection(), out.state), want.states[i])
		expectFormat(t, "identity", s.stored(t, identityType, out.identity), want.identity)
	}
}

// A state of any version is read, and then written in the newest format.
func TestStatesOfEveryVersionAreRead(t *testing.T) {
	t.Parallel()
	newest := stateFormats[len(stateFormats)-1]
	s := newCore(t, offline(t), nil)
	for version, format := range stateFormats {
		for i, state := range format.states {
			resp, err := s.wire.UpgradeResourceState(s.ctx, &tfprotov6.UpgradeResourceStateRequest{
				TypeName: connectionType, Version: int64(version), RawState: &tfprotov6.RawState{JSON: []byte(state)},
			})
			s.check(err)
			expect(t, s.audit(resp.Diagnostics))
			what := fmt.Sprintf("state %d of version %d", i, version)
			expectFormat(t, what, s.stored(t, s.connection(), s.decode(s.connection(), resp.UpgradedState)), newest.states[i])
		}
		if format.identityVersion == newest.identityVersion {
			continue // Terraform takes such an identity as it is.
		}
		resp, err := s.wire.UpgradeResourceIdentity(s.ctx, &tfprotov6.UpgradeResourceIdentityRequest{
			TypeName: connectionType, Version: format.identityVersion, RawIdentity: &tfprotov6.RawState{JSON: []byte(format.identity)},
		})
		s.check(err)
		expect(t, s.audit(resp.Diagnostics))
		what := fmt.Sprintf("identity of version %d", format.identityVersion)
		expectFormat(t, what, s.stored(t, identityType, s.decodeIdentity(resp.UpgradedIdentity)), newest.identity)
	}
}

// stored is an object as terraform writes it to a state file.
func (c *core) stored(t *testing.T, typ tftypes.Type, value object) string {
	t.Helper()
	var ctyType cty.Type
	if err := json.Unmarshal([]byte(marshal(t, typ)), &ctyType); err != nil {
		t.Fatal(err)
	}
	decoded, err := msgpack.Unmarshal(c.encode(typ, value).MsgPack, ctyType)
	if err != nil {
		t.Fatal(err)
	}
	content, err := ctyjson.Marshal(decoded, ctyType)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func marshal(t *testing.T, typ tftypes.Type) string {
	t.Helper()
	content, err := json.Marshal(typ)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func expectFormat(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant\n%s\nWhat was released stays readable: raise the Version of the schema, upgrade from the one before, and add the new format to stateFormats.", what, got, want)
	}
}
