// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/domain/mandate"
	"mercator/domain/oversight"
	"mercator/domain/register"
	"mercator/domain/register/bulk"
)

// mercator register export. Who runs the house has its database and keys anyway; the command holds what the policies ask of
// everybody: a register about persons leaves the house when two people have agreed, or in an emergency that is reported.

// exports writes a register to a file.
func (o registerOrder) exports(ctx context.Context, id, file string) error {
	separator, err := o.exportFlags(file)
	if err != nil {
		return err
	}
	h, d, err := o.open(ctx, id)
	if err != nil {
		return err
	}
	defer h.Close()
	g, err := o.exportGrant(ctx, h, d)
	if err != nil {
		return err
	}
	bar := &progressBar{w: o.stderr, began: time.Now(), what: "records"}
	done, err := bulk.ExportFile(ctx, bulk.Giving{Registers: h.registers, Register: d.ID, Format: o.format, Separator: separator, Grant: g, Seen: h.access.Seen,
		Progress: func(done int) { bar.show(done, 0) }}, file)
	bar.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(o.stdout, "%s: %d records of %s\n", file, done, d.ID)
	return nil
}

// exportFlags checks how the command was asked, before anything is opened; it settles the format.
func (o *registerOrder) exportFlags(file string) (separator rune, err error) {
	switch {
	case o.approval != "" && o.emergency != "":
		return 0, errors.New("export: --approval and --emergency: say one of the two")
	case o.approval != "" && o.purpose+o.basis+o.fields != "":
		return 0, errors.New("export: the approval says purpose, basis and fields: leave --purpose, --basis and --fields out")
	case o.emergency != "" && (o.basis == "" || o.purpose != ""):
		return 0, errors.New("export: --emergency is the purpose, and --basis goes on record with it")
	case o.approval == "" && o.emergency == "" && (o.purpose == "" || o.basis == ""):
		return 0, errors.New("export: --purpose and --basis go on record: say them (or --approval ID)")
	}
	separator, n := utf8.DecodeRuneInString(o.separator)
	if n != len(o.separator) || !strings.ContainsRune(",;\t|", separator) {
		return 0, fmt.Errorf("--separator %q: want one of , ; | or a tab", o.separator)
	}
	if o.format == "" {
		o.format = "csv"
		for _, f := range [...]string{"jsonl", "parquet"} {
			if strings.HasSuffix(file, "."+f) {
				o.format = f
			}
		}
	}
	if !slices.Contains([]string{"csv", "jsonl", "parquet"}, o.format) {
		return 0, fmt.Errorf("--format %q: want csv, jsonl or parquet", o.format)
	}
	return separator, nil
}

// exportGrant is the right to take the register out.
func (o registerOrder) exportGrant(ctx context.Context, h *House, d *register.Definition) (access.Grant, error) {
	if o.approval != "" {
		return h.approvedExport(ctx, d, o.approval)
	}
	fields, err := exportFields(h.definitions, d, o.fields)
	if err != nil {
		return access.Grant{}, err
	}
	r := access.Request{Actor: commandActor("register export"), Action: access.List, Resource: register.Resource(d.ID),
		Purpose: o.purpose, Basis: o.basis, Office: d.Office, Fields: fields}
	if o.emergency != "" {
		return h.oversight.TakeOut(ctx, r, o.emergency)
	}
	if takesTwo(d, fields) {
		return access.Grant{}, fmt.Errorf(`%s tells something about persons: it leaves the house when two people have agreed.
  A head of the office %s asks at %s/desk/approvals/new and a second one approves;
  the page of the request then shows its ID for: mercator register export %s FILE --approval ID
  If there is no time for that: --emergency "why"; the data protection officer is told at once`,
			d.ID, d.Office, h.config.Server.PublicURL, d.ID)
	}
	return h.access.Permit(ctx, r)
}

// exportFields are the fields that are named with commas between; without any, all that the register stores but for who somebody
// else is. What shows another record is exported where it is kept.
func exportFields(all *register.Registers, d *register.Definition, named string) ([]string, error) {
	var stored, usual []string
	for _, f := range d.Fields {
		if f.View() {
			continue
		}
		stored = append(stored, f.Name)
		if !all.Concerning(d, f) {
			usual = append(usual, f.Name)
		}
	}
	if named == "" {
		return usual, nil
	}
	fields := strings.Split(named, ",")
	for _, f := range fields {
		if !slices.Contains(stored, f) {
			return nil, fmt.Errorf("register %s stores no field %q; it stores %s", d.ID, f, strings.Join(stored, ", "))
		}
	}
	return fields, nil
}

// takesTwo tells whether fields of a register are for two people to take out: any of a register about persons, and any personal
// one of another, unless all of them are public.
func takesTwo(d *register.Definition, fields []string) bool {
	open, personal := true, d.Person != ""
	for _, name := range fields {
		f, _ := d.Field(name)
		open = open && f.Class == register.Public
		personal = personal || f.Class != register.Public && f.Class != register.Internal
	}
	return personal && !open
}

// approvedExport does what two people have agreed on: once, and as the one who asked.
func (h *House) approvedExport(ctx context.Context, d *register.Definition, id string) (access.Grant, error) {
	x, err := h.oversight.Standing(ctx, id)
	switch {
	case notThere(err):
		return access.Grant{}, fmt.Errorf("there is no request %q; those of an office stand at %s/desk/approvals", id, h.config.Server.PublicURL)
	case err != nil:
		return access.Grant{}, err
	case x.Request.Action != access.Export || x.Request.Resource != register.Resource(d.ID):
		return access.Grant{}, fmt.Errorf("request %s is to %s %s, not to export %s", id, x.Request.Action, x.Request.Resource, d.ID)
	case x.State == oversight.Waiting:
		return access.Grant{}, fmt.Errorf("request %s waits for a second head of the office: %s/desk/approvals/%s", id, h.config.Server.PublicURL, id)
	case x.State != oversight.Approved:
		return access.Grant{}, fmt.Errorf("request %s is %s: it serves once, within a day of its approval; ask again at %s/desk/approvals/new", id, x.State, h.config.Server.PublicURL)
	}
	who, err := h.staffActor(ctx, x.Actor)
	if err != nil {
		return access.Grant{}, fmt.Errorf("who asked for %s isn't known at the desk any more: %w", id, err)
	}
	g, err := h.access.Permit(ctx, x.Request.By(who))
	if fault.Is(err, fault.Denied) {
		return g, fmt.Errorf("%s may not export %s (any more), or somebody has just used the approval: %w", who.Name, d.ID, err)
	}
	return g, err
}

// staffActor is a member of staff with the office and the roles that they have signed in with last.
func (h *House) staffActor(ctx context.Context, id string) (access.Actor, error) {
	m, err := mandate.MemberOf(ctx, h.db, id)
	if err != nil {
		return access.Actor{}, err
	}
	a := access.Actor{Kind: access.Clerk, ID: m.ID, Name: m.Name, Office: m.Office, Roles: m.Roles}
	a.Self, err = identity.PersonOfStaff(ctx, h.db, id)
	return a, err
}
