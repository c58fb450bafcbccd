// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/blob"
	"mercator/core/inspect"
	"mercator/core/pdf"
	"mercator/core/store"
	"mercator/lang/form"
)

// Bounds of uploads. A file's own are MaxFile and maxFiles.
const (
	maxDraftFiles = 60
	maxDraftBytes = 100 << 20
	maxOwnerFiles = 300
	maxOwnerBytes = 400 << 20
	receiveFor    = 48 * time.Hour // how long an upload that broke off can be gone on with
	looksAtOnce   = 2              // files that are looked at at one time: each may need a few hundred megabytes
)

// The endings of what lies beside an upload.
const (
	Original = ""
	Archive  = ".pdf" // PDF/A of a picture, for the file
	Preview  = ".jpg"
)

// Upload is a file that comes in parts, or has come.
type Upload struct {
	ID, Draft, Field, Name string
	Size                   int64 // as announced
	Received               int64 // how much of it is here
	Type                   string
	Pages                  int
	Picture                bool // it has a preview and a PDF/A
	Hash                   string
	Found                  string    // what the scanner called it
	CheckedAt              time.Time // zero: nobody has looked for malware
	Case                   string
	CreatedAt, ExpiresAt   time.Time
	sum, state             string
	content                string // the id that its content lies under
	sealed                 bool   // false: it is of before files were sealed
	sealedName             []byte
}

// The states of a file as people are told them.
const (
	Clean    = "clean"
	Waiting  = "waiting" // in quarantine: nobody has looked for malware
	Infected = "infected"
)

// State says whether a file can be opened by others.
func (u Upload) State() string {
	switch {
	case u.CheckedAt.IsZero():
		return Waiting
	case u.Found != "":
		return Infected
	}
	return Clean
}

// Whole tells whether a file has come whole and was taken.
func (u Upload) Whole() bool { return u.state == "kept" }

// Sum is the SHA-256 that was announced, in hexadecimal digits, or "".
func (u Upload) Sum() string { return u.sum }

// NewUpload announces a file.
type NewUpload struct {
	Field, Name string
	Size        int64
	Sum         string // SHA-256 of the whole file in hexadecimal digits; "": not known
	Rows        string // what Draft.Rows was when the page was shown that it comes from; "": not known
}

var sumPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// picker is the field of a draft that takes files, where it stands.
func (in *Intake) picker(op string, d Draft, field string) (*form.Form, form.Place, error) {
	if d.State != Open {
		return nil, form.Place{}, fault.New(fault.Conflict, op, "intake.submitted")
	}
	s, err := in.Service(d)
	if err != nil {
		return nil, form.Place{}, err
	}
	at, ok := s.Form.Place(field)
	if !ok || at.Field.Type != "filepicker" || at.Field.ReadOnly || in.c.Files == nil || in.c.Pictures == nil {
		return nil, at, fault.New(fault.NotFound, op, "")
	}
	if !theirs(s, d, field) {
		return nil, at, fault.New(fault.Denied, op, "intake.cosign.notHere")
	}
	if !at.There(d.Answers) {
		return nil, at, fault.New(fault.Invalid, op, "intake.file.rowGone")
	}
	return s.Form, at, nil
}

// shown refuses who helps what a field holds that isn't shown to them: it isn't asked now, or its form isn't part of the life event.
func (in *Intake) shown(ctx context.Context, op string, a access.Actor, d Draft, field string) error {
	if d.Helper == "" {
		return nil
	}
	f, err := in.FillAlone(ctx, a, d, "de")
	if err != nil {
		return err
	}
	if _, _, ok := f.View.Item(field); !ok {
		return fault.New(fault.NotFound, op, "intake.file.gone")
	}
	return nil
}

// changeable is a draft that the actor may change.
func (in *Intake) changeable(ctx context.Context, a access.Actor, id string) (Draft, error) {
	const op = "intake.changeable"
	d, err := in.find(ctx, a, id)
	if err != nil {
		return d, err
	}
	g, err := in.may(ctx, nil, a, access.Change, d.Service)
	if err == nil {
		err = covered(op, g, a, d)
	}
	if err == nil {
		err = in.mayHelp(ctx, nil, a, access.Change, d)
	}
	return d, err
}

// BeginUpload makes room for a file in a field of the draft.
func (in *Intake) BeginUpload(ctx context.Context, a access.Actor, draft string, n NewUpload) (Upload, error) {
	const op = "intake.beginUpload"
	switch {
	case n.Size <= 0:
		return Upload{}, fault.New(fault.Invalid, op, "intake.file.empty")
	case a.Kind == Guest && n.Size > in.maxFile(a):
		return Upload{}, fault.New(fault.Invalid, op, "intake.guest.fileSize", "max", in.maxFile(a)/1_000_000)
	case n.Size > MaxFile:
		return Upload{}, fault.New(fault.Invalid, op, "intake.file.size", "max", MaxFile/1_000_000)
	case n.Sum != "" && !sumPattern.MatchString(n.Sum):
		return Upload{}, fault.New(fault.Invalid, op, "web.malformed")
	}
	return anew(op, func() (Upload, error) { return in.beginUpload(ctx, a, draft, n) })
}

func (in *Intake) beginUpload(ctx context.Context, a access.Actor, draft string, n NewUpload) (Upload, error) {
	const op = "intake.beginUpload"
	d, err := in.changeable(ctx, a, draft)
	if err != nil {
		return Upload{}, err
	}
	n.Field, err = d.NowCalled(n.Field, n.Rows)
	if err != nil {
		return Upload{}, err
	}
	_, at, err := in.picker(op, d, n.Field)
	if err == nil {
		err = in.shown(ctx, op, a, d, n.Field)
	}
	if err != nil {
		return Upload{}, err
	}
	fd := at.Field
	now, receive := in.c.Now(), receiveFor
	if a.Kind == Guest {
		receive = receiveGuest
	}
	u := Upload{ID: ident.New(), Draft: d.ID, Field: n.Field, Name: form.Storable(fileName(n.Name)), Size: n.Size, sum: n.Sum, state: "receiving", CreatedAt: now, ExpiresAt: now.Add(receive)}
	u.content, u.sealed = u.ID, true
	if u.ExpiresAt.After(d.ExpiresAt) {
		u.ExpiresAt = d.ExpiresAt
	}
	err = in.c.DB.Write(ctx, func(tx *store.Tx) error {
		// A row of the draft that is taken away now takes its files with it, and renames those behind it.
		if n, err := tx.Exec(ctx, holdDraft, d.ID, d.Owner, d.rev); err != nil || n == 0 {
			return cmp.Or(err, errMeanwhile)
		}
		name, err := in.sealName(ctx, tx, u)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertUpload, u.ID, u.Draft, u.Field, u.Size, u.sum, store.Micros(u.CreatedAt), store.Micros(u.ExpiresAt), name); err != nil {
			return err
		}
		var files, inDraft, inField int
		var size, sizeDraft int64
		if err := tx.QueryRow(ctx, countUploads, d.Owner, d.ID, u.Field).Scan(&files, &size, &inDraft, &sizeDraft, &inField); err != nil {
			return err
		}
		switch {
		case fd.Multiple && inField > maxFiles, !fd.Multiple && inField > 2*maxFiles: // one that takes the place of another is there beside it for a while
			return fault.New(fault.Invalid, op, "intake.file.many", "max", maxFiles)
		case inDraft > maxDraftFiles, sizeDraft > maxDraftBytes:
			return fault.New(fault.Invalid, op, "intake.file.draftFull", "files", maxDraftFiles, "max", maxDraftBytes>>20)
		case files > maxOwnerFiles, size > maxOwnerBytes:
			return fault.New(fault.Invalid, op, "intake.file.ownerFull", "max", maxOwnerBytes>>20)
		}
		if a.Kind == Guest {
			return in.boundGuest(ctx, tx, d)
		}
		return nil
	})
	return u, err
}

// upload finds an upload of the draft.
func (in *Intake) upload(ctx context.Context, d Draft, id string) (Upload, error) {
	const op = "intake.upload"
	if !ident.Valid(id) || in.c.Files == nil {
		return Upload{}, fault.New(fault.NotFound, op, "intake.file.gone")
	}
	u, err := store.One(ctx, in.c.DB, scanUpload, readUpload, d.Owner, id, d.ID, store.Micros(in.c.Now()))
	if fault.Is(err, fault.NotFound) {
		return u, fault.Because(fault.NotFound, op, "intake.file.gone", err)
	}
	u.Received = u.Size
	if err == nil {
		err = in.unsealNamesOf(ctx, &u)
	}
	return u, fault.Wrap(op, err)
}

// ReadUpload tells how much of a file is here. One that is here as a whole but wasn't taken, because the server
// was stopped just then, is taken now.
func (in *Intake) ReadUpload(ctx context.Context, a access.Actor, draft, id string) (Upload, error) {
	d, err := in.changeable(ctx, a, draft)
	if err != nil {
		return Upload{}, err
	}
	u, err := in.upload(ctx, d, id)
	if err != nil || u.Whole() {
		return u, err
	}
	k, err := in.keyOfFile(ctx, u)
	if err != nil {
		return u, err
	}
	if u.Received, err = in.c.Files.Sound(k, u.ID); err == nil && u.Received == u.Size {
		err = in.take(ctx, a, d, u)
	}
	return u, err
}

// Receive adds a part to a file, at the place where it ends, and takes the file when it is whole. check is asked
// whether the part came as it was sent; nil: nobody knows.
func (in *Intake) Receive(ctx context.Context, a access.Actor, draft, id string, at int64, r io.Reader, check func() error) (Upload, error) {
	const op = "intake.receive"
	d, err := in.changeable(ctx, a, draft)
	if err != nil {
		return Upload{}, err
	}
	u, err := in.upload(ctx, d, id)
	if err != nil {
		return u, err
	}
	if _, _, err := in.picker(op, d, u.Field); err != nil {
		return u, err
	}
	if u.Whole() {
		return u, fault.New(fault.Conflict, op, "intake.file.elsewhere")
	}
	k, err := in.keyOfFile(ctx, u)
	if err != nil {
		return u, err
	}
	if u.Received, err = in.c.Files.Append(ctx, k, u.ID, at, r, u.Size, check); err != nil {
		switch fault.KindOf(err) {
		case fault.Conflict:
			err = fault.Because(fault.Conflict, op, "intake.file.elsewhere", err)
		case fault.TooLarge:
			err = fault.Because(fault.TooLarge, op, "intake.file.broken", err)
		}
		return u, err
	}
	if u.Received == u.Size {
		err = in.take(ctx, a, d, u)
	}
	return u, err
}

// DropUpload gives up a file that is being received.
func (in *Intake) DropUpload(ctx context.Context, a access.Actor, draft, id string) error {
	const op = "intake.dropUpload"
	d, err := in.changeable(ctx, a, draft)
	if err != nil {
		return err
	}
	u, err := in.upload(ctx, d, id)
	if err != nil {
		return err
	}
	if u.Whole() {
		return in.RemoveFile(ctx, a, draft, u.Field, u.Hash)
	}
	s, err := in.Service(d)
	if err != nil {
		return err
	}
	if !theirs(s, d, u.Field) {
		return fault.New(fault.Denied, op, "intake.cosign.notHere")
	}
	if err := in.shown(ctx, op, a, d, u.Field); err != nil {
		return err
	}
	return fault.Wrap(op, in.drop(ctx, d, u))
}

func (in *Intake) drop(ctx context.Context, d Draft, u Upload) error {
	err := in.c.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, dropUpload, d.Owner, u.ID, d.ID)
		return err
	})
	if err != nil {
		return err
	}
	return in.clearUploads(ctx)
}

// Uploads are the files of a draft, those that are still coming too.
func (in *Intake) Uploads(ctx context.Context, a access.Actor, d Draft) ([]Upload, error) {
	const op = "intake.uploads"
	if in.c.Files == nil {
		return nil, nil
	}
	l, err := store.All(ctx, in.c.DB, scanUpload, uploadsOfDraft, d.Owner, d.ID, store.Micros(in.c.Now()))
	if err == nil {
		err = in.unsealNamesOf(ctx, pointers(l)...)
	}
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	for i := range l {
		if l[i].Received = l[i].Size; !l[i].Whole() {
			if l[i].Received, err = in.c.Files.Size(l[i].ID); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

// Upload puts a file that comes in one piece into a field of the draft.
func (in *Intake) Upload(ctx context.Context, a access.Actor, draft, field, name string, r io.Reader) error {
	return in.UploadFrom(ctx, a, draft, NewUpload{Field: field, Name: name}, r)
}

// UploadFrom is Upload for what comes from a page; n needs no size.
func (in *Intake) UploadFrom(ctx context.Context, a access.Actor, draft string, n NewUpload, r io.Reader) error {
	const op = "intake.upload"
	b, err := io.ReadAll(io.LimitReader(r, in.maxFile(a)+1))
	if err != nil {
		return fault.Because(fault.Invalid, op, "intake.file.broken", err)
	}
	n.Size = int64(len(b))
	u, err := in.BeginUpload(ctx, a, draft, n)
	if err != nil {
		return err
	}
	_, err = in.Receive(ctx, a, draft, u.ID, 0, bytes.NewReader(b), nil)
	return err
}

// look is what was seen of a file.
type look struct {
	report  inspect.Report
	archive []byte
	preview []byte
	hash    string
	checked time.Time
}

// take looks at a file that is here as a whole, and puts it into its field. What can't be taken is thrown away, and the
// error says in words what is wrong with it.
func (in *Intake) take(ctx context.Context, a access.Actor, d Draft, u Upload) error {
	const op = "intake.take"
	_, at, err := in.picker(op, d, u.Field)
	if err != nil {
		return err
	}
	fd := at.Field
	places := []chan struct{}{in.looks}
	if a.Kind == Guest {
		places = []chan struct{}{in.guestLooks, in.looks}
	}
	for _, place := range places {
		select {
		case place <- struct{}{}:
			defer func() { <-place }()
		case <-ctx.Done():
			return fault.Because(fault.Unavailable, op, "", ctx.Err())
		}
	}
	l, err := in.look(ctx, u, fd)
	if fault.Is(err, fault.Invalid) {
		return errors.Join(err, in.drop(ctx, d, u))
	}
	if err != nil {
		return err
	}
	isPicture := len(l.archive) > 0
	if isPicture {
		k, err := in.keyOfFile(ctx, u)
		if err != nil {
			return err
		}
		if err := errors.Join(in.c.Files.Put(k, u.ID, Archive, l.archive), in.c.Files.Put(k, u.ID, Preview, l.preview)); err != nil {
			return err
		}
	}
	there, again := false, false // it, or the same file, is there already
	err = in.changeWith(ctx, op, a, d.ID, func(d *Draft) error {
		// The rows of its list may have moved up since it was read, or its own may be gone.
		now, err := in.upload(ctx, *d, u.ID)
		if err != nil {
			return err
		}
		f, at, err := in.picker(op, *d, now.Field)
		if err != nil {
			return err
		}
		u.Field, there, again = now.Field, false, false
		list, _ := form.At(d.Answers, u.Field).([]any)
		for _, f := range Files(list) {
			if f.Hash == l.hash {
				there, again = true, f.ID != u.ID
				return nil
			}
		}
		if !fd.Multiple {
			list = nil
		}
		if len(list) >= maxFiles {
			return fault.New(fault.Invalid, op, "intake.file.many", "max", maxFiles)
		}
		d.Answers = f.With(d.Answers, at, append(slices.Clone(list), FileRef{ID: u.ID, Name: u.Name, Hash: l.hash, Type: l.report.Type, Size: u.Size, Pages: l.report.Pages}.value()))
		return nil
	}, func(tx *store.Tx, d Draft) error {
		if again {
			_, err := tx.Exec(ctx, dropUpload, d.Owner, u.ID, d.ID)
			return err
		}
		var checked int64
		if !l.checked.IsZero() {
			checked = store.Micros(l.checked)
		}
		n, err := tx.Exec(ctx, keepUpload, d.Owner, u.ID, l.report.Type, l.report.Pages, isPicture, l.hash, checked)
		if err == nil && n == 0 && !there { // given up, or another has taken its place, while it was looked at
			err = fault.New(fault.NotFound, op, "intake.file.gone")
		}
		if err != nil || fd.Multiple {
			return err
		}
		_, err = tx.Exec(ctx, dropOthers, d.Owner, d.ID, u.Field, u.ID)
		return err
	})
	if fault.Is(err, fault.Invalid) {
		return errors.Join(err, in.drop(ctx, d, u))
	}
	if err != nil && isPicture {
		return errors.Join(err, in.clearMade(ctx, u))
	}
	return err
}

// clearMade removes what was made of a file whose row has gone while it was made: nobody else knows of it.
func (in *Intake) clearMade(ctx context.Context, u Upload) error {
	var held int
	err := in.c.DB.QueryRow(ctx, contentHeld, u.content).Scan(&held)
	if err == nil && held == 0 {
		err = in.c.Files.Remove(u.content)
	}
	return fault.Wrap("intake.clearMade", err)
}

// look inspects a file that is here as a whole, has it scanned, and makes its PDF/A.
func (in *Intake) look(ctx context.Context, u Upload, fd *form.Field) (look, error) {
	const op = "intake.look"
	f, err := in.openFile(ctx, u, Original)
	if err != nil {
		return look{}, err
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	err = errors.Join(err, f.Close())
	if errors.Is(err, blob.ErrDamaged) {
		return look{}, fault.Because(fault.Invalid, op, "intake.file.broken", err)
	}
	if err != nil {
		return look{}, fault.Because(fault.Unavailable, op, "", err)
	}
	sum := sha256.Sum256(b)
	l := look{hash: hex.EncodeToString(sum[:])}
	if u.sum != "" && u.sum != l.hash || int64(len(b)) != u.Size {
		return l, fault.New(fault.Invalid, op, "intake.file.broken")
	}
	if typ := inspect.Sniff(b); typ != "" && !accepts(fd.Accept, typ) {
		return l, fault.New(fault.Invalid, op, "intake.file.type", "types", acceptedWords(fd.Accept))
	}
	if l.report, err = inspect.File(ctx, b); err != nil {
		return l, err
	}
	if in.c.Scan != nil {
		found, err := in.c.Scan(ctx, bytes.NewReader(b))
		switch {
		case err == nil && found != "":
			return l, fault.New(fault.Invalid, op, "intake.file.malware")
		case err == nil:
			l.checked = in.c.Now()
		case !fault.Is(err, fault.Unavailable):
			return l, fault.Wrap(op, err)
		}
	}
	if l.report.Type == inspect.PDF {
		return l, nil
	}
	list, err := inspect.Pages(ctx, b, l.report.Type, in.c.HEIC)
	if err != nil {
		return l, err
	}
	l.preview = list[0].Thumbnail
	var pages []pdf.Picture
	for i, p := range list {
		alt := u.Name
		if len(list) > 1 {
			alt = fmt.Sprintf("%s (%d/%d)", u.Name, i+1, len(list))
		}
		pages = append(pages, pdf.Picture{Lang: "de", Title: u.Name, Alt: alt, By: "Mercator", Created: in.c.Now(), JPEG: p.JPEG, Bits: p.Bits, Width: p.Width, Height: p.Height, Gray: p.Gray, Orientation: p.Orientation})
	}
	l.archive, err = in.c.Pictures.Pictures(pages)
	return l, fault.Wrap(op, err)
}

// RemoveFile takes a file out of a field.
func (in *Intake) RemoveFile(ctx context.Context, a access.Actor, id, field, hash string) error {
	const op = "intake.removeFile"
	err := in.changeWith(ctx, op, a, id, func(d *Draft) error {
		if err := in.shown(ctx, op, a, *d, field); err != nil {
			return err
		}
		l, _ := form.At(d.Answers, field).([]any)
		var keep []any
		for _, x := range l {
			if m, ok := x.(map[string]any); !ok || m["hash"] != hash {
				keep = append(keep, x)
			}
		}
		s, err := in.Service(*d)
		if err != nil {
			return err
		}
		at, ok := s.Form.Place(field)
		switch {
		case !ok || at.Field.Type != "filepicker" || len(keep) == len(l):
		case keep == nil:
			d.Answers = s.Form.With(d.Answers, at, nil)
		default:
			d.Answers = s.Form.With(d.Answers, at, keep)
		}
		return nil
	}, func(tx *store.Tx, d Draft) error {
		_, err := tx.Exec(ctx, dropFile, d.Owner, d.ID, field, hash)
		return err
	})
	if err != nil {
		return err
	}
	return in.clearUploads(ctx)
}

// moveFiles takes the files of a row away that went by a button, and has those of the rows behind it move up with them, in the
// transaction that changes the draft. gone: there were some in it.
func (in *Intake) moveFiles(ctx context.Context, tx *store.Tx, d Draft, pressed form.Pressed) (gone bool, err error) {
	if pressed.Name() == "" || !pressed.At.IsRow() {
		return false, nil
	}
	l, err := store.All(ctx, tx, scanUpload, uploadsOfDraft, d.Owner, d.ID, store.Micros(in.c.Now()))
	for _, u := range l {
		switch name := pressed.Renamed(u.Field); {
		case err != nil || name == u.Field:
		case name == "":
			gone = true
			_, err = tx.Exec(ctx, dropFromDraft, d.Owner, u.ID, d.ID)
		default:
			_, err = tx.Exec(ctx, renameUpload, d.Owner, u.ID, d.ID, name)
		}
	}
	return gone, err
}

// OpenFile reads a file of a draft, or its preview. To whom it belongs may see it before it was checked: it is theirs.
func (in *Intake) OpenFile(ctx context.Context, a access.Actor, id, field, hash, ending string) (Upload, io.ReadCloser, error) {
	const op = "intake.openFile"
	d, err := in.Draft(ctx, a, id)
	if err == nil {
		err = in.shown(ctx, op, a, d, field)
	}
	if err != nil {
		return Upload{}, nil, err
	}
	l, err := in.Uploads(ctx, a, d)
	if err != nil {
		return Upload{}, nil, err
	}
	for _, u := range l {
		if u.Field == field && u.Hash == hash && u.Whole() && (ending == Original || u.Picture) {
			if u.Found != "" {
				return u, nil, fault.New(fault.Denied, op, "intake.file.malware")
			}
			r, err := in.openFile(ctx, u, ending)
			return u, r, fault.Wrap(op, err)
		}
	}
	return Upload{}, nil, fault.New(fault.NotFound, op, "intake.file.gone")
}

// unfit are the fields of an application with files that can't be handed over: something was found in them since they were uploaded,
// they were erased and a backup has brought back their rows, or they aren't there.
func (in *Intake) unfit(ctx context.Context, a access.Actor, f *Filling) (errs []form.FieldError, err error) {
	l, err := in.Uploads(ctx, a, f.Draft)
	if err != nil {
		return nil, err
	}
	for _, file := range filesIn(f.View) {
		i := slices.IndexFunc(l, func(u Upload) bool { return u.Field == file.field && u.Hash == file.Hash && u.Whole() })
		if i < 0 {
			errs = append(errs, form.FieldError{Key: file.field, Msg: "intake.file.gone"})
			continue
		}
		switch _, err := in.keyOfFile(ctx, l[i]); {
		case fault.Is(err, fault.NotFound):
			errs = append(errs, form.FieldError{Key: file.field, Msg: "intake.file.gone"})
		case err != nil:
			return nil, err
		case l[i].Found != "":
			errs = append(errs, form.FieldError{Key: file.field, Msg: "intake.file.malwareRemove", Args: []any{"name", l[i].Name}})
		}
	}
	return errs, nil
}

// fieldFile is a file with the name of the field that it stands in.
type fieldFile struct {
	field string
	FileRef
}

// filesIn are the files that an application names, those in groups and rows too; what isn't asked any more has none.
func filesIn(v *form.View) (out []fieldFile) {
	for _, p := range v.Form.Pages() {
		form.Each(v.Page(p.ID), func(it *form.Item) {
			if it.Type != "filepicker" {
				return
			}
			for _, f := range Files(it.Value) {
				out = append(out, fieldFile{it.Name, f})
			}
		})
	}
	return out
}

// submitUploads hands the files that an application names over to its case; what else the draft had goes with it.
func (in *Intake) submitUploads(ctx context.Context, tx *store.Tx, d Draft, v *form.View, caseID string) error {
	for _, f := range filesIn(v) {
		if _, err := tx.Exec(ctx, submitUpload, d.Owner, d.ID, f.field, f.Hash, caseID); err != nil {
			return err
		}
	}
	return nil
}

// CaseFiles are the files that came with the application of a case.
func (in *Intake) CaseFiles(ctx context.Context, g access.Grant, caseID string) ([]Upload, error) {
	const op = "intake.caseFiles"
	if err := g.Must(access.Read, "case"); err != nil {
		return nil, err
	}
	if g.Request().Case != caseID {
		return nil, fault.Internalf(op, "the grant is for another case")
	}
	l, err := store.All(ctx, in.c.DB, scanUpload, uploadsOfCase, caseID)
	if err == nil {
		err = in.unsealNamesOf(ctx, pointers(l)...)
	}
	return l, fault.Wrap(op, err)
}

// OpenCaseFile reads a file of a case, or what was made of it. As long as nobody has looked for malware in it, and if something
// was found, nobody can.
func (in *Intake) OpenCaseFile(ctx context.Context, g access.Grant, caseID, id, ending string) (Upload, io.ReadCloser, error) {
	const op = "intake.openCaseFile"
	l, err := in.CaseFiles(ctx, g, caseID)
	if err != nil {
		return Upload{}, nil, err
	}
	i := slices.IndexFunc(l, func(u Upload) bool { return u.ID == id && (ending == Original || u.Picture) })
	if i < 0 || in.c.Files == nil {
		return Upload{}, nil, fault.New(fault.NotFound, op, "")
	}
	switch u := l[i]; u.State() {
	case Waiting:
		return u, nil, fault.New(fault.Conflict, op, "intake.file.waiting")
	case Infected:
		return u, nil, fault.New(fault.Denied, op, "intake.file.malware")
	}
	r, err := in.openFile(ctx, l[i], ending)
	return l[i], r, fault.Wrap(op, err)
}

// checkAtOnce is how many files one pass has scanned.
const checkAtOnce = 20

// CheckUploads has files scanned that nobody could look at when they came. more: there are further ones.
func (in *Intake) CheckUploads(ctx context.Context) (more bool, err error) {
	const op = "intake.checkUploads"
	if in.c.Scan == nil || in.c.Files == nil {
		return false, nil
	}
	l, err := store.All(ctx, in.c.DB, scanUpload, uncheckedUploads, "", checkAtOnce)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	var errs error
	for _, u := range l {
		err := in.checkLater(ctx, u)
		if fault.Is(err, fault.Unavailable) {
			return false, fault.Wrap(op, err)
		}
		errs = errors.Join(errs, err) // one that doesn't open isn't what the others wait for
	}
	return errs == nil && len(l) == checkAtOnce, fault.Wrap(op, errs)
}

func (in *Intake) checkLater(ctx context.Context, u Upload) error {
	f, err := in.openFile(ctx, u, Original)
	if err != nil {
		return err
	}
	defer f.Close()
	found, err := in.c.Scan(ctx, f)
	if err == nil {
		err = in.unsealNamesOf(ctx, &u)
	}
	if err != nil {
		return err
	}
	return in.c.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, checkUpload, u.ID, found, store.Micros(in.c.Now()))
		if err != nil || n == 0 || found == "" || in.c.Found == nil {
			return err
		}
		// It may have been submitted while it was looked at.
		if err := tx.QueryRow(ctx, caseOfUpload, u.ID).Scan(&u.Case); err != nil || u.Case == "" {
			return err
		}
		u.Found = found
		return in.c.Found(ctx, tx, u)
	})
}

// Unchecked is how many files wait for somebody to look for malware in them.
func (in *Intake) Unchecked(ctx context.Context) (n int64, err error) {
	err = in.c.DB.QueryRow(ctx, countUnchecked).Scan(&n)
	return n, fault.Wrap("intake.unchecked", err)
}

// clearUploads removes the content of what is gone, then its row and its key: a row never outlives its file, so none is forgotten.
func (in *Intake) clearUploads(ctx context.Context) error {
	const op = "intake.clearUploads"
	if in.c.Files == nil {
		return nil
	}
	type gone struct {
		id, content string
		last        bool // nobody else has the content
	}
	for {
		list, err := store.All(ctx, in.c.DB, func(s store.Scanner) (g gone, err error) { return g, s.Scan(&g.id, &g.content, &g.last) }, goneUploads)
		if err != nil || len(list) == 0 {
			return fault.Wrap(op, err)
		}
		for _, g := range list {
			if !g.last {
				continue
			}
			if err := in.c.Files.Remove(g.content); err != nil {
				return fault.Wrap(op, err)
			}
		}
		if err := in.c.DB.Write(ctx, func(tx *store.Tx) error {
			for _, g := range list {
				if _, err := tx.Exec(ctx, deleteUpload, g.id); err != nil {
					return err
				}
				if !g.last {
					continue
				}
				if _, err := in.c.Vault.Destroy(ctx, tx, fileKey(g.content)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return fault.Wrap(op, err)
		}
	}
}

// kinds are the types of file that can be taken, with the endings and words that they go by.
var kinds = []struct{ typ, ends, word string }{
	{inspect.PDF, ".pdf", "PDF"}, {inspect.JPEG, ".jpg,.jpeg", "JPEG"}, {inspect.PNG, ".png", "PNG"}, {inspect.HEICType, ".heic,.heif", "HEIC"},
	{inspect.TIFF, ".tif,.tiff", "TIFF"},
}

// accepts tells whether a field takes a type of file. Who takes JPEG takes HEIC too: it is what telephones make in its place,
// and both become the same. So it is with PDF and TIFF, which scanners make.
func accepts(accept, typ string) bool {
	if typ == "" {
		return false
	}
	if strings.TrimSpace(accept) == "" {
		return true
	}
	ends := ""
	for _, k := range kinds {
		if k.typ == typ {
			ends = k.ends
		}
	}
	for a := range strings.SplitSeq(strings.ToLower(accept), ",") {
		a = strings.TrimSpace(a)
		if a == typ || strings.HasSuffix(a, "/*") && strings.HasPrefix(typ, a[:len(a)-1]) || a != "" && slices.Contains(strings.Split(ends, ","), a) {
			return true
		}
	}
	return typ == inspect.HEICType && accepts(accept, inspect.JPEG) || typ == inspect.TIFF && accepts(accept, inspect.PDF)
}

// Accept is what a browser offers for a field, beside what its author has written.
func Accept(accept string) string {
	if strings.TrimSpace(accept) == "" {
		return "application/pdf,image/jpeg,image/png,image/heic,.heic,image/tiff"
	}
	if accepts(accept, inspect.TIFF) && !strings.Contains(accept, ".tif") {
		accept += ",.tif,.tiff"
	}
	return accept
}

// acceptedWords names the types that a field takes.
func acceptedWords(accept string) string {
	var out []string
	for _, k := range kinds {
		if accepts(accept, k.typ) {
			out = append(out, k.word)
		}
	}
	return strings.Join(out, ", ")
}
