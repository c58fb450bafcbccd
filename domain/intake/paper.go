// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/base/person"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/service"
	"mercator/lang/form"

	"github.com/google/uuid"
)

// Forms on paper. Whoever doesn't want to apply online prints the empty form; the code on it says which form in which version
// and language it is, and which copy. At the counter a clerk scans or types it and gets a draft of exactly that form, fills in
// what stands on the paper, and submits it for the person by the rules of every other application. One copy gives one draft
// and one case, whoever scans it how often. Papers that are printed leave nothing in the database.

// PaperLangs are the languages in which forms are printed.
var PaperLangs = [...]string{"de", "en", "tr", "de-simple"}

// paperCode writes codes in a base 32 without O and I, which are taken for digits, and without Y and Z, which a scanner that
// types as an American keyboard swaps on a German one.
var paperCode = base32.NewEncoding("0123456789ABCDEFGHJKLMNPQRSTUVWX").WithPadding(base32.NoPadding)

// A code is which form (40 bit), which copy (40 bit, random) and a keyed hash of both (40 bit): none can be made up or guessed.
const (
	codePart  = 5 // bytes
	codeChars = 24
)

// editionOf names a form in a version and a language.
func editionOf(service, version, lang string) []byte {
	sum := sha256.Sum256([]byte(service + "\x00" + version + "\x00" + lang))
	return sum[:codePart]
}

func (in *Intake) codeHash(what []byte) ([]byte, error) {
	keyed, err := in.c.Vault.Blind("intake.paper", hex.EncodeToString(what))
	sum := sha256.Sum256([]byte(keyed))
	return sum[:codePart], err
}

// onPaper tells whether there is a form of a service to print.
func onPaper(s *service.Service) bool { return !s.Internal && s.About == "" }

// PaperForm is a service's form to be printed, with a code of its own and the lists that its options come from.
func (in *Intake) PaperForm(ctx context.Context, id, lang string) (s *service.Service, lists map[string]any, code string, err error) {
	const op = "intake.paperForm"
	s, ok := in.c.Services.Current(id)
	if !ok || !onPaper(s) || in.c.Vault == nil {
		return nil, nil, "", fault.New(fault.NotFound, op, "")
	}
	if lists, err = in.Lists(ctx, s); err != nil {
		return nil, nil, "", err
	}
	raw := append(editionOf(s.ID, s.Version, lang), make([]byte, codePart)...)
	rand.Read(raw[codePart:])
	sum, err := in.codeHash(raw)
	return s, lists, paperCode.EncodeToString(append(raw, sum...)), fault.Wrap(op, err)
}

// ShowCode writes a code in groups of four.
func ShowCode(code string) string {
	var b strings.Builder
	for i, r := range code {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// readCode understands a code as a scanner or a person types it; "" if it is none of this house.
func (in *Intake) readCode(s string) (code string, edition []byte, err error) {
	if len(s) > 200 {
		return "", nil, nil
	}
	code = plainCode(s)
	raw, bad := paperCode.DecodeString(code)
	if bad != nil || len(code) != codeChars {
		return "", nil, nil
	}
	sum, err := in.codeHash(raw[:2*codePart])
	if err != nil || !hmac.Equal(sum, raw[2*codePart:]) {
		return "", nil, err
	}
	return code, raw[:codePart], nil
}

// edition finds the form that a code is of, in the version that was printed.
func (in *Intake) edition(ctx context.Context, want []byte) (*service.Service, string, error) {
	known, err := in.c.Services.Known(ctx)
	if err != nil {
		return nil, "", err
	}
	for _, v := range known {
		for _, lang := range PaperLangs {
			if hmac.Equal(editionOf(v[0], v[1], lang), want) {
				s, err := in.c.Services.Version(ctx, v[0], v[1])
				return s, lang, err
			}
		}
	}
	return nil, "", fault.New(fault.NotFound, "intake.edition", "intake.paper.gone")
}

// Paper is a form on paper that is being typed in.
type Paper struct {
	ID, Code, Office, ClerkName string
	Service, Version, Lang      string
	CaseID                      string // once submitted
	ChangedAt, ExpiresAt        time.Time
	Typed                       Typed
	sealed                      []byte
	rev                         int64
}

// Typed is what stands on a paper.
type Typed struct {
	Who     url.Values        `json:"who,omitempty"` // whose it is, where the form doesn't ask: as typed
	Answers form.Answers      `json:"answers,omitempty"`
	Raw     map[string]string `json:"raw,omitempty"`
}

// The fields that say whose an application is.
var whoFields = [...]string{"given_names", "family_name", "birth_date"}

// AsksWho tells whether a form asks itself whose application it is.
func AsksWho(f *form.Form) bool {
	for _, name := range whoFields {
		if f.Field(name) == nil {
			return false
		}
	}
	return true
}

const paperPlace = "intake.paper"

func paperSubject(id string) string { return "paper:" + id }

// mayPaper asks for a grant for what a clerk does with papers at the counter.
func (in *Intake) mayPaper(ctx context.Context, tx *store.Tx, a access.Actor, action, service string) error {
	if a.Kind != access.Clerk || a.Office == "" || in.c.Vault == nil {
		return fault.New(fault.Denied, "intake.paper", "")
	}
	r := access.Request{Actor: a, Action: action, Resource: "draft", Purpose: "case work", Service: service, Office: a.Office}
	if service != "" {
		r.Purpose = service
	}
	if tx != nil {
		_, err := in.c.Access.PermitTx(ctx, tx, r)
		return err
	}
	_, err := in.c.Access.Permit(ctx, r)
	return err
}

// OpenPaper begins to type in a paper, or goes on with it.
func (in *Intake) OpenPaper(ctx context.Context, a access.Actor, typed string) (id string, err error) {
	const op = "intake.openPaper"
	if err := in.mayPaper(ctx, nil, a, access.List, ""); err != nil {
		return "", fault.Wrap(op, err)
	}
	code, want, err := in.readCode(typed)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	if code == "" {
		return "", fault.New(fault.Invalid, op, "intake.paper.noCode")
	}
	s, lang, err := in.edition(ctx, want)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	err = in.c.DB.Write(ctx, func(tx *store.Tx) error {
		if err := in.mayPaper(ctx, tx, a, access.Change, s.ID); err != nil {
			return err
		}
		now := in.c.Now()
		fresh := ident.New()
		n, err := tx.Exec(ctx, insertPaper, fresh, code, a.Office, a.Name, s.ID, s.Version, lang, []byte{}, store.Micros(now), store.Micros(now.Add(in.c.Keep)))
		if err != nil || n == 1 {
			id = fresh
			return err
		}
		var office string
		if err := tx.QueryRow(ctx, paperOfCode, code).Scan(&id, &office); err != nil {
			return err
		}
		if office != a.Office {
			return fault.New(fault.Conflict, op, "intake.paper.elsewhere")
		}
		return nil
	})
	return id, fault.Wrap(op, err)
}

// Paper reads a paper of the clerk's office.
func (in *Intake) Paper(ctx context.Context, a access.Actor, id string) (Paper, *service.Service, error) {
	const op = "intake.paper"
	if !ident.Valid(id) {
		return Paper{}, nil, fault.New(fault.NotFound, op, "")
	}
	if err := in.mayPaper(ctx, nil, a, access.Read, ""); err != nil {
		return Paper{}, nil, fault.Wrap(op, err)
	}
	return in.paper(ctx, in.c.DB, a, id)
}

func (in *Intake) paper(ctx context.Context, q store.Q, a access.Actor, id string) (Paper, *service.Service, error) {
	const op = "intake.paper"
	p, err := store.One(ctx, q, scanPaper, readPaper, id, a.Office, store.Micros(in.c.Now()))
	if err != nil {
		return p, nil, fault.Wrap(op, err)
	}
	if len(p.sealed) > 0 {
		key, err := in.c.Vault.Key(ctx, q, paperSubject(p.ID))
		if err != nil {
			return p, nil, fault.Wrap(op, err)
		}
		plain, err := key.Open(paperPlace, p.sealed)
		if err == nil {
			err = decodeJSON(string(plain), &p.Typed)
		}
		if err != nil {
			return p, nil, fault.Wrap(op, err)
		}
	}
	s, err := in.c.Services.Version(ctx, p.Service, p.Version)
	return p, s, fault.Wrap(op, err)
}

// Papers are those of the office that are being typed in, the last changed first.
func (in *Intake) Papers(ctx context.Context, a access.Actor) ([]Paper, error) {
	if err := in.mayPaper(ctx, nil, a, access.List, ""); err != nil {
		return nil, err
	}
	l, err := store.All(ctx, in.c.DB, scanPaper, openPapers, a.Office, store.Micros(in.c.Now()))
	return l, fault.Wrap("intake.papers", err)
}

// FillPaper is the form of a paper with what was typed so far.
func (in *Intake) FillPaper(ctx context.Context, p Paper, s *service.Service) (*form.View, error) {
	fctx, err := in.paperContext(ctx, p, s)
	if err != nil {
		return nil, err
	}
	return s.Form.Eval(p.Typed.Answers, fctx), nil
}

func (in *Intake) paperContext(ctx context.Context, p Paper, s *service.Service) (form.Context, error) {
	return in.context(ctx, access.Actor{}, s, Draft{Raw: p.Typed.Raw}, p.Lang)
}

// SavePaper keeps what was typed, right or wrong, and says what is wrong with what was posted.
func (in *Intake) SavePaper(ctx context.Context, a access.Actor, id string, post url.Values) ([]form.FieldError, error) {
	const op = "intake.savePaper"
	for range 8 {
		p, s, err := in.Paper(ctx, a, id)
		if err != nil {
			return nil, err
		}
		if p.CaseID != "" {
			return nil, nil // pressed again
		}
		fctx, err := in.paperContext(ctx, p, s)
		if err != nil {
			return nil, err
		}
		t := Typed{Who: url.Values{}, Answers: p.Typed.Answers}
		for _, name := range whoFields {
			if v := form.Storable(post.Get(whoField(name))); v != "" && len(v) <= 1000 {
				t.Who.Set(name, v)
			}
		}
		var pages []string
		for _, pg := range s.Form.Pages() {
			pages = append(pages, pg.ID)
		}
		var errs []form.FieldError
		t.Answers, t.Raw, errs = s.Form.DecodeAll(pages, post, t.Answers, p.Typed.Raw, fctx)
		plain, err := json.Marshal(t)
		if err != nil || len(plain) > maxAnswers {
			return nil, fault.Because(fault.TooLarge, op, "intake.tooLarge", err)
		}
		done := false
		err = in.c.DB.Write(ctx, func(tx *store.Tx) error {
			if err := in.mayPaper(ctx, tx, a, access.Change, s.ID); err != nil {
				return err
			}
			key, err := in.c.Vault.KeyFor(ctx, tx, paperSubject(id))
			if err != nil {
				return err
			}
			sealed, err := key.Seal(paperPlace, plain)
			if err != nil {
				return err
			}
			now := in.c.Now()
			n, err := tx.Exec(ctx, savePaper, id, a.Office, p.rev, sealed, a.Name, store.Micros(now), store.Micros(now.Add(in.c.Keep)))
			done = n == 1
			return err
		})
		if err != nil || done {
			return form.Told(errs), fault.Wrap(op, err)
		}
	}
	return nil, fault.New(fault.Conflict, op, "intake.busy")
}

// whoField is the name in a post of a field that says whose the application is.
func whoField(name string) string { return "who." + name }

// WhoField is whoField for the page.
func WhoField(name string) string { return whoField(name) }

// who says whose the application is, by the form or by what was asked beside it.
func (in *Intake) who(p Paper, s *service.Service) (given, family, birth string, errs []form.FieldError) {
	if AsksWho(s.Form) {
		text := func(name string) string { v, _ := p.Typed.Answers[name].(string); return v }
		return text(whoFields[0]), text(whoFields[1]), text(whoFields[2]), nil
	}
	for i, name := range whoFields {
		v := p.Typed.Who.Get(name)
		var err error
		switch i {
		case 0:
			v, err = person.ParseName(v)
			given = v
		case 1:
			v, err = person.ParseName(v)
			family = v
		default:
			v, err = person.ParseDate(v, person.DateRule{Today: in.today(), Past: true})
			birth = v
		}
		switch {
		case err != nil:
			msg, args := "form.error.form", []any(nil)
			if pr, ok := err.(*person.Problem); ok {
				msg, args = pr.Msg, pr.Args
			}
			errs = append(errs, form.FieldError{Key: whoField(name), Msg: msg, Args: args})
		case v == "":
			errs = append(errs, form.FieldError{Key: whoField(name), Msg: "intake.paper.who"})
		}
	}
	return given, family, birth, errs
}

// SubmitPaper hands a paper over for the person whose it is. The register is asked who that is; whom it doesn't know gets an
// id of the paper's. Again it gives the same case.
func (in *Intake) SubmitPaper(ctx context.Context, a access.Actor, id string) (caseID string, errs []form.FieldError, err error) {
	const op = "intake.submitPaper"
	p, s, err := in.Paper(ctx, a, id)
	if err != nil || p.CaseID != "" {
		return p.CaseID, nil, err
	}
	v, err := in.FillPaper(ctx, p, s)
	if err != nil {
		return "", nil, err
	}
	given, family, birth, errs := in.who(p, s)
	if errs = append(errs, v.Validate("")...); len(errs) > 0 {
		return "", errs, nil
	}
	owner := uuid.NewSHA1(uuid.NameSpaceOID, []byte("paper\x00"+p.Code)).String()
	if in.c.Match != nil {
		found, err := in.c.Match(ctx, given, family, birth)
		switch {
		case err == nil:
			owner = found
		case !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict):
			return "", nil, fault.Wrap(op, err)
		}
	}
	caseID, errs, err = in.apply(ctx, a, Application{Service: p.Service, Version: p.Version, Key: p.Code, Person: owner, PersonName: strings.TrimSpace(given + " " + family),
		Channel: "paper", Lang: p.Lang, Answers: p.Typed.Answers}, "paper:"+p.Code, func(tx *store.Tx, caseID string) error {
		if n, err := tx.Exec(ctx, submitPaper, id, a.Office, p.rev, caseID, store.Micros(in.c.Now()), store.Micros(in.c.Now().Add(in.c.Keep))); err != nil || n == 0 {
			if err == nil { // changed or submitted meanwhile: nothing of this stays
				err = fault.New(fault.Conflict, op, "intake.busy")
			}
			return err
		}
		_, err := in.c.Vault.Destroy(ctx, tx, paperSubject(id))
		return err
	})
	if fault.Is(err, fault.Conflict) {
		if p, _, again := in.Paper(ctx, a, id); again == nil && p.CaseID != "" {
			return p.CaseID, nil, nil
		}
	}
	return caseID, errs, fault.Wrap(op, err)
}

// DiscardPaper throws away what was typed; the paper can be scanned again.
func (in *Intake) DiscardPaper(ctx context.Context, a access.Actor, id string) error {
	const op = "intake.discardPaper"
	p, s, err := in.Paper(ctx, a, id)
	if err != nil {
		return err
	}
	return fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		if err := in.mayPaper(ctx, tx, a, access.Change, s.ID); err != nil {
			return err
		}
		if n, err := tx.Exec(ctx, discardPaper, p.ID, a.Office); err != nil || n == 0 {
			return err
		}
		_, err := in.c.Vault.Destroy(ctx, tx, paperSubject(p.ID))
		return err
	}))
}

// sweepPapers deletes papers that nobody has gone on with, and their keys.
func (in *Intake) sweepPapers(ctx context.Context, tx *store.Tx) error {
	if in.c.Vault == nil {
		return nil
	}
	ids, err := store.All(ctx, tx, func(s store.Scanner) (id string, err error) { return id, s.Scan(&id) }, expiredPapers, store.Micros(in.c.Now()))
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := in.c.Vault.Destroy(ctx, tx, paperSubject(id)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, dropPaper, id); err != nil {
			return err
		}
	}
	return nil
}

// Receipt is what somebody gets at once who has handed over an application.
type Receipt struct {
	CaseID, Number, Office string
	At                     time.Time
	Hash                   string // SHA-256 of the signed file
}

// PaperReceipt is the receipt of a paper that the clerk's office has submitted, to be handed to the person.
func (in *Intake) PaperReceipt(ctx context.Context, p Paper) (Receipt, error) {
	if p.CaseID == "" || in.c.Received == nil {
		return Receipt{}, fault.New(fault.NotFound, "intake.paperReceipt", "")
	}
	return in.c.Received(ctx, in.c.DB, p.CaseID)
}
