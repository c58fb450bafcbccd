// SPDX-License-Identifier: EUPL-1.2

package paydemo

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"mercator/adapter/xbezahl"
)

// transaction is a line of the books: the whole transaction as it is after a change.
type transaction struct {
	ID         string                 `json:"id"`
	Originator string                 `json:"originator"`
	EndPoint   string                 `json:"endPoint"`
	Reference  string                 `json:"reference"`
	Request    xbezahl.PaymentRequest `json:"request"`
	Status     string                 `json:"status"`
	Detail     string                 `json:"detail,omitempty"`
	Method     string                 `json:"method,omitempty"`
	Charged    json.Number            `json:"charged,omitempty"` // if another amount than asked for was taken
	At         time.Time              `json:"at"`
	Calls      []call                 `json:"calls,omitempty"` // to be made
}

// call is one that the service hasn't taken yet.
type call struct {
	Nonce  string    `json:"nonce"`
	Forged bool      `json:"forged,omitempty"`
	Next   time.Time `json:"next"`
	Tries  int       `json:"tries"`
}

// book is the provider's memory: a file to which lines are added, and what they say.
type book struct {
	mu    sync.Mutex
	file  *os.File
	all   map[string]transaction
	asked map[string]string // originator/endPoint/requestId → transaction: nobody is billed twice for one request
	calls map[string]bool   // transactions with calls to make
}

const (
	maxLine = 256 << 10
	maxKept = 200_000
)

var errFull = errors.New("the demo's books are full")

// openBook reads the books. A last line that was cut off when the machine died was never answered and is dropped; any other
// damage is an error.
func openBook(dir string) (*book, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("payment provider: %w", err)
	}
	path := filepath.Join(dir, "payment-provider.jsonl")
	b := &book{all: map[string]transaction{}, asked: map[string]string{}, calls: map[string]bool{}}
	good, err := b.read(path)
	if err != nil {
		return nil, fmt.Errorf("payment provider: %s: %w", path, err)
	}
	b.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("payment provider: %w", err)
	}
	if err := errors.Join(b.file.Truncate(good), seek(b.file, good), b.file.Sync(), syncFolder(dir)); err != nil {
		b.file.Close()
		return nil, fmt.Errorf("payment provider: %w", err)
	}
	return b, nil
}

// syncFolder makes the name of a new file last.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func seek(f *os.File, to int64) error {
	_, err := f.Seek(to, io.SeekStart)
	return err
}

func (b *book) read(path string) (good int64, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, maxLine)
	for n := 1; ; n++ {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return good, nil // what is left has no end: it was being written
		}
		if err != nil {
			return good, fmt.Errorf("line %d: %w", n, err)
		}
		var t transaction
		if err := json.Unmarshal(bytes.TrimSpace(line), &t); err != nil || t.ID == "" {
			return good, fmt.Errorf("line %d is damaged: %v", n, err)
		}
		b.remember(t)
		good += int64(len(line))
	}
}

func (b *book) remember(t transaction) {
	if _, known := b.all[t.ID]; !known {
		if key := asked(t.Originator, t.EndPoint, t.Request.RequestID); b.asked[key] == "" {
			b.asked[key] = t.ID
		}
	}
	b.all[t.ID] = t
	if len(t.Calls) > 0 {
		b.calls[t.ID] = true
	} else {
		delete(b.calls, t.ID)
	}
}

func asked(originator, endPoint, request string) string {
	return originator + "/" + endPoint + "/" + request
}

// write needs the lock. It returns when the lines are on disk; then they are true.
func (b *book) write(ts ...transaction) error {
	var text []byte
	for _, t := range ts {
		line, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if len(line) >= maxLine-1 {
			return errors.New("transaction too large")
		}
		text = append(append(text, line...), '\n')
	}
	end, err := b.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	_, err = b.file.Write(text)
	if err == nil {
		err = b.file.Sync()
	}
	if err != nil {
		return errors.Join(err, b.file.Truncate(end), seek(b.file, end))
	}
	for _, t := range ts {
		b.remember(t)
	}
	return nil
}

// add opens a transaction, or gives the one that the same request has opened.
func (b *book) add(t transaction) (was transaction, existed bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id := b.asked[asked(t.Originator, t.EndPoint, t.Request.RequestID)]; id != "" {
		return b.all[id], true, nil
	}
	if len(b.all) >= maxKept {
		return transaction{}, false, errFull
	}
	return t, false, b.write(t)
}

func (b *book) get(id string) (transaction, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.all[id]
	return t, ok
}

// change replaces a transaction by what f makes of it, and adds more if f says so. f returns false to leave all as it is.
func (b *book) change(id string, f func(*transaction) (more []transaction, ok bool)) (transaction, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.all[id]
	if !ok {
		return transaction{}, false, nil
	}
	t.Calls = append([]call(nil), t.Calls...)
	more, ok := f(&t)
	if !ok {
		return b.all[id], false, nil
	}
	if err := b.write(append([]transaction{t}, more...)...); err != nil {
		return b.all[id], false, err
	}
	return t, true, nil
}

// due are the transactions with calls to make now, at most n.
func (b *book) due(now time.Time, n int) (ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := range b.calls {
		for _, c := range b.all[id].Calls {
			if !c.Next.After(now) && len(ids) < n {
				ids = append(ids, id)
				break
			}
		}
	}
	return ids
}

func (b *book) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.file.Close()
}
