// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/service"
	"mercator/lang/form"
)

// Some applications need somebody else's signature (service.Cosign): both custodial parents', both spouses', a second shareholder's.
// The owner invites them as they invite somebody to help (help.go). Who is invited signs in as themself, sees what they would sign, fills
// in the pages that the package lets them, and signs. A signature is of the answers as they were, by their hash, and of the version
// of the service: when an answer changes, it is void, and both are told. Handing over is the owner's. Either withdraws until then.

// News is a message to a person about a draft, in the words of a key of the catalogue: KEY.subject and KEY.body.
type News struct{ Person, Service, Draft, Key, Name string }

// Signature is one that an application was handed over with.
type Signature struct {
	Part            string
	Title, Declares service.Text
	Person, Name    string
	At              time.Time
	Hash            string // of the data that were signed
}

// Signing is a signature that an application needs, and how far it is.
type Signing struct {
	Cosign     service.Cosign
	Invitation Invitation // the one that counts; without an id nobody is invited
	Signed     bool       // what the application says now
}

// signingKey names a signature among the fields of a form, which have no colon in their names.
func signingKey(id string) string { return "cosign:" + id }

// SigningOf is the signature that an error is about.
func SigningOf(e form.FieldError) (id string, ok bool) { return strings.CutPrefix(e.Key, "cosign:") }

// InviteToSign makes an invitation to sign a draft, or makes it anew, and gives the code for its link. The owner of a draft that
// somebody fills in for them under a mandate invites, too: whom they have confirmed is theirs to say.
func (in *Intake) InviteToSign(ctx context.Context, a access.Actor, id, part string) (code string, err error) {
	const op = "intake.inviteToSign"
	d, err := in.ownOpen(ctx, op, a, id)
	if err != nil {
		return "", err
	}
	s, err := in.Service(d)
	if err != nil {
		return "", err
	}
	if _, ok := s.Cosign(part); !ok {
		return "", fault.New(fault.NotFound, op, "")
	}
	return in.invite(ctx, op, a, d.ID, ToSign, part)
}

// Signings are the signatures that an application needs as it is filled in; to who was asked for one, that one only.
func (in *Intake) Signings(ctx context.Context, a access.Actor, f *Filling) ([]Signing, error) {
	const op = "intake.signings"
	var out []Signing
	d := f.Draft
	for _, c := range f.Service.Cosigns {
		if d.Kind == ToSign && c.ID != d.Part || !c.Needed(f.View) {
			continue
		}
		signs, err := in.represents(ctx, a, d, c)
		if err != nil {
			return nil, err
		}
		if !signs {
			out = append(out, Signing{Cosign: c})
		}
	}
	if len(out) == 0 || a.Kind == Guest {
		return out, nil
	}
	list, err := store.All(ctx, in.c.DB, scanInvitation, invitationsOf, d.ID, d.Owner)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	now := in.c.Now()
	for i := range out {
		part := out[i].Cosign.ID
		of := func(ok func(Invitation) bool) int {
			return slices.IndexFunc(list, func(x Invitation) bool { return x.Kind == ToSign && x.Part == part && ok(x) })
		}
		at := of(Invitation.Taken)
		if at < 0 {
			at = of(func(x Invitation) bool { return x.Live(now) })
		}
		if at < 0 {
			continue
		}
		x := list[at]
		if err := in.unsealNames(ctx, in.c.DB, &x); err != nil {
			return nil, fault.Wrap(op, err)
		}
		out[i].Invitation = x
		if !x.SignedAt.IsZero() {
			if out[i].Signed, err = in.signed(ctx, d, f.Service, x); err != nil {
				return nil, fault.Wrap(op, err)
			}
		}
	}
	return out, nil
}

// represents tells whether who fills in a draft under a mandate signs by that: a mandate of the law that the package names.
func (in *Intake) represents(ctx context.Context, a access.Actor, d Draft, c service.Cosign) (bool, error) {
	if !a.Acting() || d.Mandate == "" || len(c.Represented) == 0 {
		return false, nil
	}
	g, err := in.may(ctx, nil, a, access.Read, d.Service)
	return err == nil && slices.Contains(c.Represented, g.MandateKind()), err
}

// hashToSign is the hash of the data that would be kept of a draft. It is worked out in German and as for its owner, whoever asks,
// so that it changes with the answers and with nothing else.
func (in *Intake) hashToSign(ctx context.Context, d Draft, s *service.Service, x Invitation) (string, error) {
	d.Helper, d.OwnerName = x.Helper, x.OwnerName
	fctx, err := in.context(ctx, access.Actor{}, s, d, "de")
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(s.Form.Eval(d.Answers, fctx).Submission())
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// signed tells whether an invitation carries a signature of the draft as it is.
func (in *Intake) signed(ctx context.Context, d Draft, s *service.Service, x Invitation) (bool, error) {
	if x.SignedAt.IsZero() || x.signedVersion != s.Version {
		return false, nil
	}
	hash, err := in.hashToSign(ctx, d, s, x)
	return hash == x.SignedHash, err
}

// HashToSign is what somebody who was asked to sign would sign: it goes into the page and comes back with it.
func (in *Intake) HashToSign(ctx context.Context, f *Filling) (string, error) {
	d := f.Draft
	if d.Kind != ToSign {
		return "", nil
	}
	hash, err := in.hashToSign(ctx, d, f.Service, Invitation{Helper: d.Helper, OwnerName: d.OwnerName})
	return hash, fault.Wrap("intake.hashToSign", err)
}

// Sign signs a draft as it was shown: hash says what that was.
func (in *Intake) Sign(ctx context.Context, a access.Actor, id, hash, lang string) error {
	const op = "intake.sign"
	d, err := in.find(ctx, a, id)
	if err != nil {
		return err
	}
	if d.Kind != ToSign {
		return fault.New(fault.Denied, op, "intake.cosign.notAsked")
	}
	f, err := in.Fill(ctx, a, d, lang)
	if err != nil {
		return err
	}
	if a.Level < f.Service.Trust {
		return fault.New(fault.StepUp, op, "", "level", f.Service.Trust.String())
	}
	c, ok := f.Service.Cosign(d.Part)
	if !ok || !c.Needed(f.View) {
		return fault.New(fault.Conflict, op, "intake.cosign.notNeeded")
	}
	if len(f.Validate("")) > 0 {
		return fault.New(fault.Conflict, op, "intake.cosign.incomplete")
	}
	now, err := in.HashToSign(ctx, f)
	if err != nil {
		return err
	}
	if now != hash {
		return fault.New(fault.Conflict, op, "intake.cosign.changed")
	}
	return fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		if err := in.mayHelp(ctx, tx, a, access.Change, d); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, signInvitation, d.Invitation, a.ID, d.rev, store.Micros(in.c.Now()), hash, f.Service.Version)
		if err == nil && n == 0 { // changed, handed over or withdrawn meanwhile
			err = fault.New(fault.Conflict, op, "intake.cosign.changed")
		}
		if err != nil {
			return err
		}
		return in.tell(ctx, tx, News{Person: d.Owner, Service: d.Service, Draft: d.ID, Key: "intake.cosign.signed", Name: a.Name})
	}))
}

// Declares tells whether a field is a declaration of whoever applies.
func Declares(f *form.Field) bool { return f.Kind == "consent" || f.Kind == "signature" }

// theirs tells whether a field is for who is at the draft to fill in: what hangs on a field beside its answer, a file that is coming or
// what was written elsewhere, is for nobody else to touch either.
func theirs(s *service.Service, d Draft, field string) bool {
	return notTheirs(s, d, s.Form.Field(field)) == ""
}

// notTheirs is why a field, of this version of the form or of one before, isn't for who is at the draft to fill in; "": it is.
func notTheirs(s *service.Service, d Draft, fd *form.Field) (msg string) {
	switch d.Kind {
	case ToSign:
		if c, _ := s.Cosign(d.Part); fd == nil || !c.Fills(fd.Page) {
			return "intake.cosign.notHere"
		}
	case Together:
		if fd == nil || Declares(fd) {
			return "intake.together.declares"
		}
	}
	return ""
}

// mayFill refuses what isn't theirs to fill in: to who was asked to sign, pages that the package doesn't name; to a clerk at the
// counter, what the person declares.
func (in *Intake) mayFill(op string, before, after Draft) error {
	if after.Kind != ToSign && after.Kind != Together {
		return nil
	}
	s, err := in.Service(after)
	if err != nil {
		return err
	}
	c, _ := s.Cosign(after.Part)
	changed := map[string]bool{} // by what stands at the top of the answers
	for name, v := range after.Answers {
		changed[name] = markOf(before.Answers[name], "") != markOf(v, "")
	}
	for name := range before.Answers {
		if _, ok := after.Answers[name]; !ok {
			changed[name] = true
		}
	}
	raw := func(a, b map[string]string) {
		for name, v := range a {
			if b[name] != v {
				top, _, _ := strings.Cut(name, ".")
				changed[top] = true
			}
		}
	}
	raw(before.Raw, after.Raw)
	raw(after.Raw, before.Raw)
	for _, name := range s.Form.Names() {
		top, _, _ := strings.Cut(name, ".")
		fd := s.Form.Field(name)
		switch {
		case fd == nil || !changed[top]:
		case after.Kind == ToSign && !c.Fills(fd.Page):
			return fault.New(fault.Denied, op, "intake.cosign.notHere")
		case after.Kind == Together && Declares(fd) && (top == name || declaredAnew(before, after, name)):
			return fault.New(fault.Denied, op, "intake.together.declares")
		}
	}
	return nil
}

// declaredAnew tells whether a field in a group or in the rows of a list declares anything else than before, in any row. Rows that
// move up take what they declare along; what goes with a row was declared, too.
func declaredAnew(before, after Draft, name string) bool {
	was, is := declared(before, name), declared(after, name)
	return len(was) != len(is) || !maps.Equal(form.Renamed(was, after.pressed), is)
}

// declared is what a field in a group or in the rows of a list declares, by its place.
func declared(d Draft, name string) map[string]string {
	out := map[string]string{}
	var look func(v any, place, rest []string)
	look = func(v any, place, rest []string) {
		if len(rest) == 0 {
			if v != nil && v != false {
				out[strings.Join(place, ".")] = markOf(v, "")
			}
			return
		}
		switch v := v.(type) {
		case map[string]any:
			look(v[rest[0]], append(place, rest[0]), rest[1:])
		case []any:
			for i, row := range v {
				look(row, append(place, strconv.Itoa(i)), rest[1:])
			}
		}
	}
	look(map[string]any(d.Answers), nil, strings.Split(name, "."))
	return out
}

// voidSignatures takes the signatures off a draft that doesn't say any more what was signed, in the transaction that changes it,
// and tells both sides.
func (in *Intake) voidSignatures(ctx context.Context, tx *store.Tx, d Draft) error {
	s, err := in.Service(d)
	if fault.Is(err, fault.NotFound) || err == nil && len(s.Cosigns) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	list, err := store.All(ctx, tx, scanInvitation, signedInvitations, d.ID, d.Owner)
	if err != nil {
		return err
	}
	for _, x := range list {
		if err := in.unsealNames(ctx, tx, &x); err != nil {
			return err
		}
		if still, err := in.signed(ctx, d, s, x); err != nil || still {
			if err != nil {
				return err
			}
			continue
		}
		n, err := tx.Exec(ctx, voidSignature, x.ID, x.SignedHash, store.Micros(in.c.Now()))
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		for _, news := range []News{{Person: x.Owner, Name: x.HelperName, Key: "intake.cosign.voidOwner"}, {Person: x.Helper, Name: x.OwnerName, Key: "intake.cosign.voidSigner"}} {
			news.Service, news.Draft = d.Service, d.ID
			if err := in.tell(ctx, tx, news); err != nil {
				return err
			}
		}
	}
	return nil
}

func (in *Intake) tell(ctx context.Context, tx *store.Tx, n News) error {
	if in.c.Tell == nil {
		return nil
	}
	return in.c.Tell(ctx, tx, n)
}

// tellOther tells the other one of an invitation what one has done.
func (in *Intake) tellOther(ctx context.Context, tx *store.Tx, x Invitation, a access.Actor, key string) error {
	to := x.Owner
	if a.ID == x.Owner {
		to = x.Helper
	}
	return in.tell(ctx, tx, News{Person: to, Service: x.Service, Draft: x.Draft, Key: key, Name: a.Name})
}

// unsigned are the signatures that an application needs, and an error for each that isn't there.
func (in *Intake) unsigned(ctx context.Context, a access.Actor, f *Filling) (need []Signing, errs []form.FieldError, err error) {
	if need, err = in.Signings(ctx, a, f); err != nil {
		return nil, nil, err
	}
	for _, x := range need {
		if !x.Signed {
			errs = append(errs, form.FieldError{Key: signingKey(x.Cosign.ID), Msg: "intake.cosign.missing", Args: []any{"title", x.Cosign.Title.For(f.Context.Lang)}})
		}
	}
	return need, errs, nil
}

// signatures are those that an application is handed over with, held until that has happened.
func (in *Intake) signatures(ctx context.Context, tx *store.Tx, d Draft, s *service.Service, need []Signing) ([]Signature, error) {
	if len(need) == 0 {
		return nil, nil
	}
	if _, err := tx.Exec(ctx, holdSignatures, d.ID, d.Owner); err != nil {
		return nil, err
	}
	list, err := store.All(ctx, tx, scanInvitation, signedInvitations, d.ID, d.Owner)
	if err != nil {
		return nil, err
	}
	var out []Signature
	for _, n := range need {
		i := slices.IndexFunc(list, func(x Invitation) bool { return x.Part == n.Cosign.ID })
		ok := i >= 0
		if ok {
			if err := in.unsealNames(ctx, tx, &list[i]); err != nil {
				return nil, err
			}
			if ok, err = in.signed(ctx, d, s, list[i]); err != nil {
				return nil, err
			}
		}
		if !ok { // withdrawn meanwhile: looked at once more
			return nil, fault.New(fault.Conflict, "intake.signatures", "intake.busy")
		}
		x := list[i]
		out = append(out, Signature{Part: x.Part, Title: n.Cosign.Title, Declares: n.Cosign.Declares, Person: x.Helper, Name: x.HelperName, At: x.SignedAt, Hash: x.SignedHash})
	}
	return out, nil
}

// Local is an instant on the town's clock.
func (in *Intake) Local(t time.Time) time.Time { return t.In(in.c.Zone) }
