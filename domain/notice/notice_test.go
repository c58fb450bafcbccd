// SPDX-License-Identifier: EUPL-1.2

package notice_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/pdf/pdfacheck"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/notice"
	"mercator/domain/notice/noticetest"
)

func TestIssueOpenRevoke(t *testing.T) {
	storetest.Each(t, noticetest.Rooms(), func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		o := noticetest.New(t, db)
		d := o.Issue(o.Permit())

		if len(o.Delivered) != 1 || len(o.Recorded) != 1 {
			t.Fatalf("delivered %d, recorded %d", len(o.Delivered), len(o.Recorded))
		}
		m := o.Delivered[0]
		if m.Person != "person-anna" || m.Documents[0].ID != d.ID || m.Subject["de"] == "" || m.Subject["tr"] == "" || m.Subject["tr"] == m.Subject["de"] {
			t.Errorf("delivery: %+v", m)
		}
		if d.Title != "Bewohnerparkausweis BP-2026-ABCD-EFGH" || len(d.Code) != 26 {
			t.Errorf("document: %+v", d)
		}

		got, r, err := o.Desk.Open(ctx, o.Grant(accesstest.Anna(), access.Read), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil || int64(len(data)) != got.Size {
			t.Fatalf("%d bytes of %d: %v", len(data), got.Size, err)
		}
		for _, f := range pdfacheck.Check(data) {
			t.Error(f)
		}
		if n := bytes.Count(data, []byte("/Type /Page ")); n != 1 {
			t.Errorf("letter and permit take %d pages", n)
		}
		if text := textOf(t, data); text != "" {
			for _, want := range []string{"Anna Schmidt", "Königstraße 63", "DU-AS 1988", "30.11.2027", "30,70 €", "2026-ABCD-EFGH", notice.ShowCode(d.Code), "§ 45 Absatz 1b", "Klage", "ohne Unterschrift"} {
				if !strings.Contains(text, want) {
					t.Errorf("the letter lacks %q:\n%s", want, text)
				}
			}
		}
		if dir := os.Getenv("MERCATOR_KEEP_PDF"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, "notice.pdf"), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}

		if again, err := o.Desk.Get(ctx, o.Grant(accesstest.Anna(), access.Read), d.ID); err != nil || again.FetchedAt.IsZero() {
			t.Errorf("fetched: %v, %v", again.FetchedAt, err)
		}
		for who, a := range map[string]access.Actor{"another resident": accesstest.Bora(), "another office": accesstest.Clerk("50")} {
			if _, _, err := o.Desk.Open(ctx, o.Grant(a, access.Read), d.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", who, err)
			}
			if list, err := o.Desk.OfCase(ctx, o.Grant(a, access.Read), noticetest.CaseID); err != nil || len(list) != 0 {
				t.Errorf("%s sees %d documents, %v", who, len(list), err)
			}
		}
		if _, _, err := o.Desk.Open(ctx, access.Grant{}, d.ID); err == nil {
			t.Error("opened without a grant")
		}
		if list, err := o.Desk.OfCase(ctx, o.Grant(accesstest.Clerk("32"), access.Read), noticetest.CaseID); err != nil || len(list) != 1 {
			t.Errorf("the office sees %d documents, %v", len(list), err)
		}

		for _, c := range []struct {
			at   string
			want notice.Validity
		}{
			{"2026-11-30T22:59:59Z", notice.Early}, {"2026-11-30T23:00:00Z", notice.Valid}, // midnight in Duisburg
			{"2027-11-30T22:59:59Z", notice.Valid}, {"2027-11-30T23:00:00Z", notice.Expired},
		} {
			o.At(c.at)
			if v, kind, _, _, err := o.Desk.Check(ctx, strings.ToLower(notice.ShowCode(d.Code))); err != nil || v != c.want || kind["de"] != "Bewohnerparkausweis" {
				t.Errorf("%s: %s, %v, %v; want %s", c.at, v, kind, err, c.want)
			}
		}
		revoke := func(a access.Actor, why string) error {
			g := o.Grant(a, access.Change)
			return db.Write(ctx, func(tx *store.Tx) error { return o.Desk.Revoke(ctx, tx, g, d.ID, why) })
		}
		if err := revoke(accesstest.Clerk("50"), "weil"); !fault.Is(err, fault.NotFound) {
			t.Errorf("another office revoked: %v", err)
		}
		if err := revoke(accesstest.Anna(), "weil"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a resident revoked: %v", err)
		}
		if err := revoke(accesstest.Clerk("32"), " "); !fault.Is(err, fault.Invalid) {
			t.Errorf("revoked without a reason: %v", err)
		}
		if err := revoke(accesstest.Clerk("32"), "Umzug"); err != nil {
			t.Error(err)
		}
		if err := revoke(accesstest.Clerk("32"), "Umzug"); !fault.Is(err, fault.Conflict) {
			t.Errorf("revoked twice: %v", err)
		}
		o.At("2026-12-24T09:00:00Z")
		if v, _, _, _, err := o.Desk.Check(ctx, d.Code); err != nil || v != notice.Revoked {
			t.Errorf("after it was revoked: %s, %v", v, err)
		}
		if v, _, _, _, err := o.Desk.Check(ctx, strings.Repeat("0", 26)); err != nil || v != notice.Unknown {
			t.Errorf("a code that nobody has: %s, %v", v, err)
		}
	})
}

func TestNothingIsIssuedByPreparing(t *testing.T) {
	db := storetest.SQLite(t, noticetest.Rooms())
	o := noticetest.New(t, db)
	if _, err := o.Desk.Prepare(t.Context(), o.Permit()); err != nil {
		t.Fatal(err)
	}
	if list, err := o.Desk.OfCase(t.Context(), o.Grant(accesstest.Anna(), access.Read), noticetest.CaseID); err != nil || len(list) != 0 {
		t.Errorf("%d documents, %v", len(list), err)
	}
	if len(o.Delivered) != 0 {
		t.Error("a message went out")
	}
}

func TestPrepareRefuses(t *testing.T) {
	db := storetest.SQLite(t, noticetest.Rooms())
	o := noticetest.New(t, db)
	for name, change := range map[string]func(*notice.Order){
		"a template that isn't there": func(x *notice.Order) { x.Template = "gone" },
		"a value that isn't there":    func(x *notice.Order) { delete(x.Vars, "permit") },
		"a day that is none":          func(x *notice.Order) { x.ValidUntil = "2027-02-30" },
	} {
		x := o.Permit()
		change(&x)
		if _, err := o.Desk.Prepare(t.Context(), x); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	x := o.Permit()
	x.Version = "nothing"
	if _, err := o.Desk.Prepare(t.Context(), x); err == nil {
		t.Error("prepared with a package that isn't there")
	}
}

func TestLettersOfAllServicesAreSound(t *testing.T) {
	db := storetest.SQLite(t, noticetest.Rooms())
	o := noticetest.New(t, db)
	for _, s := range o.Services.All() {
		check := notice.Lint(s)
		for name, text := range s.Letters {
			for _, p := range check("letters/"+name, text, s.Form.Names()) {
				t.Errorf("%s: %v", s.ID, p)
			}
		}
	}
}

func TestReadCode(t *testing.T) {
	const code = "0123456789ABCDEFGHJKMNPQRS"
	for typed, want := range map[string]string{
		code: code, "01234-56789-ABCDE-FGHJK-MNPQR-S": code, " o1234 56789 abcde fghjk mnpqr s ": code, "OI23456789ABCDEFGHJKMNPQRS": code, "0L23456789ABCDEFGHJKMNPQRS": code,
		"": "", code[:25]: "", code + "0": "", "U123456789ABCDEFGHJKMNPQRS": "", "ſ123456789ABCDEFGHJKMNPQR": "",
	} {
		if got := notice.ReadCode(typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func TestMessagesComplete(t *testing.T) {
	cat, err := i18n.Load(notice.Messages())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range cat.Missing() {
		t.Error(m)
	}
}

func FuzzReadCode(f *testing.F) {
	f.Add("01234-56789-ABCDE-FGHJK-MNPQR-S")
	f.Fuzz(func(t *testing.T, s string) {
		if c := notice.ReadCode(s); c != "" && notice.ReadCode(notice.ShowCode(c)) != c {
			t.Errorf("%q", c)
		}
	})
}

func BenchmarkIssue(b *testing.B) {
	db := storetest.SQLite(b, noticetest.Rooms())
	o := noticetest.New(b, db)
	x := o.Permit()
	for b.Loop() {
		o.Issue(x)
	}
}

func textOf(t *testing.T, data []byte) string {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		return ""
	}
	cmd := exec.Command(tool, "-layout", "-", "-")
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
