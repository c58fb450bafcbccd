// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"mercator/base/fault"
	"mercator/core/store"
)

// A backup is older than what was forgotten since. So what is left of forgotten persons goes with their keys: of both only
// the last state is kept, and a database that comes back from a backup forgets again whom it knew.

// forgotten is a place where a forgotten person stood.
type forgotten struct {
	Record     string `json:"r"`
	Role       string `json:"o"`
	Commitment string `json:"c"`
}

// ExportForgotten writes what is left of forgotten persons, a line of JSON for each place. It names nobody.
func (l *Ledger) ExportForgotten(ctx context.Context, w io.Writer) (n int, err error) {
	const op, step = "audit.exportForgotten", 1000
	out := json.NewEncoder(w)
	for last := (forgotten{}); ; {
		list, err := store.All(ctx, l.DB, func(row store.Scanner) (f forgotten, err error) {
			return f, row.Scan(&f.Record, &f.Role, &f.Commitment)
		}, forgottenFrom, last.Record, last.Role, last.Commitment, step)
		if err != nil || len(list) == 0 {
			return n, fault.Wrap(op, err)
		}
		for _, f := range list {
			if err := out.Encode(f); err != nil {
				return n, fault.Wrap(op, err)
			}
		}
		n += len(list)
		last = list[len(list)-1]
	}
}

// ForgetAgain reads what ExportForgotten has written, and puts it in the place of the persons who stand there and have no
// key any more, or, if the keys are from the moment before, whose place by their key it was. commit makes the text that
// stands for a person. It can be broken off and begun again.
func (l *Ledger) ForgetAgain(ctx context.Context, r io.Reader, at time.Time, commit func(role, key, record string) string) error {
	const op, step = "audit.forgetAgain", 200
	in := json.NewDecoder(bufio.NewReader(r))
	halfway := map[string]bool{} // who was being forgotten while the keys were copied
	for end := false; !end; {
		var batch []forgotten
		for len(batch) < step {
			var f forgotten
			err := in.Decode(&f)
			if errors.Is(err, io.EOF) {
				end = true
				break
			}
			if err != nil || f.Record == "" || f.Commitment == "" || f.Role != roleSubject && f.Role != roleActor {
				return fault.Internalf(op, "the list of forgotten persons is damaged")
			}
			batch = append(batch, f)
		}
		if err := l.DB.Write(ctx, func(tx *store.Tx) error { return l.forgetAgain(ctx, tx, batch, commit, halfway) }); err != nil {
			return fault.Wrap(op, err)
		}
	}
	for person := range halfway {
		if err := l.Forget(ctx, person, at, commit); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return nil
}

func (l *Ledger) forgetAgain(ctx context.Context, tx *store.Tx, batch []forgotten, commit func(role, key, record string) string, halfway map[string]bool) error {
	for _, f := range batch {
		if err := tx.Later(ctx, addForgotten, f.Record, f.Role, f.Commitment); err != nil {
			return err
		}
		if f.Role == roleActor {
			if err := tx.Later(ctx, dropActor, f.Record); err != nil {
				return err
			}
			continue
		}
		rows, err := store.All(ctx, tx, scanPair, subjectsOf, f.Record)
		if err != nil {
			return err
		}
		var persons []string
		for _, row := range rows {
			persons = append(persons, row[0])
		}
		keys, err := l.Keys.Of(ctx, tx, persons)
		if err != nil {
			return err
		}
		for _, row := range rows {
			key := keys[row[0]]
			if key != "" && commit(f.Role, key, f.Record) != f.Commitment {
				continue
			}
			if err := tx.Later(ctx, dropSubject, row[0], row[1]); err != nil {
				return err
			}
			if key != "" {
				halfway[row[0]] = true
			}
		}
	}
	return nil
}
