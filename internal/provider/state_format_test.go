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

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// stateFormat is what terraform keeps of a connection in a state file, under one
// version of the schema.
type stateFormat struct {
	typ    string   // names and types of all attributes
	states []string // as they are in a state file

	// The same of the identity, whose schema has a version of its own.
	identityVersion int64
	identityType    string
	identity        string
}

// stateFormats has a format for each version of the schema, the newest last.
//
// Once a format is released, it stays as it is: users have states in it. A change of
// the schema that makes these tests fail then brings a higher Version, an upgrader
// from each version before it, and one more format here.
var stateFormats = []stateFormat{
	0: {
		typ: `["object",{"account_id":"string","adopt_existing":"bool","connection_id":"string","dashboard_url":"string",` +
			`"disconnect_on_destroy":"bool","id":"string","service_ids":["map","string"],` +
			`"services":["list",["object",{"id":"string","name":"string"}]],"status":"string",` +
			`"timeouts":["object",{"create":"string","delete":"string"}],"wait_for_services":"bool"}]`,
		identityType: `["object",{"account_id":"string"}]`,
		states: []string{
			// Connected.
			`{"account_id":"` + accountA + `","adopt_existing":false,"connection_id":"` + pinnedConnection + `",` +
				`"dashboard_url":"https://dash.cloudflare.com/` + accountA + `/notifications","disconnect_on_destroy":true,"id":"` + accountA + `",` +
				`"service_ids":{"` + primary.Name + `":"` + primary.ID + `"},"services":[{"id":"` + primary.ID + `","name":"` + primary.Name + `"}],` +
				`"status":"connected","timeouts":{"create":"5m","delete":null},"wait_for_services":true}`,
			// Imported.
			`{"account_id":"` + accountA + `","adopt_existing":false,"connection_id":null,` +
				`"dashboard_url":"https://dash.cloudflare.com/` + accountA + `/notifications","disconnect_on_destroy":true,"id":"` + accountA + `",` +
				`"service_ids":{"` + primary.Name + `":"` + primary.ID + `"},"services":[{"id":"` + primary.ID + `","name":"` + primary.Name + `"}],` +
				`"status":"connected","timeouts":null,"wait_for_services":false}`,
			// Pending.
			`{"account_id":"` + accountA + `","adopt_existing":false,"connection_id":null,` +
				`"dashboard_url":"https://dash.cloudflare.com/` + accountA + `/notifications","disconnect_on_destroy":true,"id":"` + accountA + `",` +
				`"service_ids":{},"services":[],"status":"pending","timeouts":null,"wait_for_services":false}`,
		},
		identity: `{"account_id":"` + accountA + `"}`,
	},
}

// pinnedConnection stands for the ID of a link, which the fake API makes up.
const pinnedConnection = "c0ffee00c0ffee00c0ffee00c0ffee00"

// The newest format is pinned, to the byte, so that no change of it goes unnoticed.
func TestStateFormatIsPinned(t *testing.T) {
	t.Parallel()
	newest := len(stateFormats) - 1
	want := stateFormats[newest]
	server := offline(t)
	server.a.SetLinkModel(cloudflaretest.Connects(primary))
	c := newCore(t, server, nil)

	if version := c.schemas.ResourceSchemas[connectionType].Version; version != int64(newest) {
		t.Errorf("version %d of the schema, want %d", version, newest)
	}
	if version := c.identitySchema().Version; version != want.identityVersion {
		t.Errorf("version %d of the identity's schema, want %d", version, want.identityVersion)
	}
	expectFormat(t, "type", marshal(t, c.connection()), want.typ)
	expectFormat(t, "type of the identity", marshal(t, c.identitySchema().ValueType()), want.identityType)

	created := c.create(object{"timeouts": object{"create": "5m"}, "wait_for_services": true})
	expect(t, created.diags, aWarning(titleWaits))
	if id, _ := created.state["connection_id"].(string); id == "" {
		t.Fatal("no connection_id")
	}
	created.state = with(created.state, object{"connection_id": pinnedConnection})
	imported := c.rerun(nil).importID(accountA)
	expect(t, imported.diags)
	server.a.SetServices()
	pending := c.rerun(nil).importID(accountA)
	expect(t, pending.diags, isPending())
	for i, out := range []outcome{created, imported, pending} {
		expectFormat(t, "state", c.stored(t, c.connection(), out.state), want.states[i])
		expectFormat(t, "identity", c.stored(t, identityType, out.identity), want.identity)
	}
}

// A state of any version is read, and then written in the newest format.
func TestStatesOfEveryVersionAreRead(t *testing.T) {
	t.Parallel()
	newest := stateFormats[len(stateFormats)-1]
	c := newCore(t, offline(t), nil)
	for version, format := range stateFormats {
		for i, state := range format.states {
			resp, err := c.wire.UpgradeResourceState(c.ctx, &tfprotov6.UpgradeResourceStateRequest{
				TypeName: connectionType, Version: int64(version), RawState: &tfprotov6.RawState{JSON: []byte(state)},
			})
			c.check(err)
			expect(t, c.audit(resp.Diagnostics))
			what := fmt.Sprintf("state %d of version %d", i, version)
			expectFormat(t, what, c.stored(t, c.connection(), c.decode(c.connection(), resp.UpgradedState)), newest.states[i])
		}
		if format.identityVersion == newest.identityVersion {
			continue // Terraform takes such an identity as it is.
		}
		resp, err := c.wire.UpgradeResourceIdentity(c.ctx, &tfprotov6.UpgradeResourceIdentityRequest{
			TypeName: connectionType, Version: format.identityVersion, RawIdentity: &tfprotov6.RawState{JSON: []byte(format.identity)},
		})
		c.check(err)
		expect(t, c.audit(resp.Diagnostics))
		what := fmt.Sprintf("identity of version %d", format.identityVersion)
		expectFormat(t, what, c.stored(t, identityType, c.decodeIdentity(resp.UpgradedIdentity)), newest.identity)
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
		t.Errorf("%s:\n%s\nwant\n%s\nWhat was released stays readable: raise the Version of the schema, upgrade from the one before, and add the new format to stateFormats. Before the first release, change the format in place.", what, got, want)
	}
}
