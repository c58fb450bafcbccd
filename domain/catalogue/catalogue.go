// SPDX-License-Identifier: EUPL-1.2

package catalogue

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"

	"mercator/base/fault"
	"mercator/base/i18n"

	"github.com/BurntSushi/toml"
)

// Service is what the signpost says about a service.
type Service struct {
	ID       string
	Title    i18n.Text
	Summary  i18n.Text
	Eligible i18n.Text // who it is for
	Duration i18n.Text // how long it takes
	Purpose  i18n.Text // why personal data is processed
	Needs    []i18n.Text
	Laws     []Law
	Fees     []Fee
	Free     bool // it costs nothing; without fees and not free: it depends
	Office   string
	Trust    string // trust level: basic, substantial, high
	Audience []string
	Topics   []string
	Synonyms []string
	Data     []Use // what is fetched from registers if the person agrees
	Watches  []Use // what is looked at by itself unless the person has switched it off
	Paper    bool  // there is a form to print
}

// Event is what the signpost says about a life event: several services that are applied for at once.
type Event struct {
	ID       string
	Title    i18n.Text
	Summary  i18n.Text
	Topics   []string
	Synonyms []string
	Always   []string // ids of the services that belong to it
	Offered  []string // … and of those that can
	Trust    string
}

// Law is a provision that a service rests on.
type Law struct{ Name, URL string }

// Fee is an example of what a service costs.
type Fee struct {
	Label i18n.Text
	Cents int64
	Law   string
}

// Use is a register that the service reads.
type Use struct {
	Register string
	Purpose  i18n.Text
	Basis    string
}

// Office is who answers for a service.
type Office struct {
	ID      string
	Name    i18n.Text
	Address string // street, postcode and city, one line each
	Phone   string
	Email   string
	Hours   i18n.Text
}

// Topic groups services.
type Topic struct {
	ID    string    `toml:"id"`
	Title i18n.Text `toml:"title"`
	Text  i18n.Text `toml:"text"`
}

// TopicCount is a topic with the number of its services.
type TopicCount struct {
	Topic
	Services int
}

const maxTopicsFile = 1 << 18

// LoadTopics reads topics.toml of the city's folder.
func LoadTopics(city fs.FS) ([]Topic, error) {
	const op = "catalogue.loadTopics"
	text, err := fs.ReadFile(city, "topics.toml")
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if len(text) > maxTopicsFile {
		return nil, fault.Internalf(op, "topics.toml is larger than %d bytes", maxTopicsFile)
	}
	var file struct {
		Topic []Topic `toml:"topic"`
	}
	meta, err := toml.Decode(string(text), &file)
	if err != nil {
		return nil, fault.Because(fault.Internal, op, "", fmt.Errorf("topics.toml: %w", err))
	}
	if left := meta.Undecoded(); len(left) > 0 {
		return nil, fault.Internalf(op, "topics.toml: unknown key %s", left[0])
	}
	seen := map[string]bool{}
	for _, t := range file.Topic {
		if t.ID == "" || seen[t.ID] {
			return nil, fault.Internalf(op, "topics.toml: topic id %q is empty or there twice", t.ID)
		}
		seen[t.ID] = true
		for _, lang := range i18n.Required {
			if t.Title[lang] == "" || t.Text[lang] == "" {
				return nil, fault.Internalf(op, "topics.toml: topic %s lacks a text in %s", t.ID, lang)
			}
		}
	}
	return file.Topic, nil
}

// Directory is the list of all services with its index. It is safe for concurrent
// use; Replace swaps everything at once.
type Directory struct {
	topics []Topic
	now    atomic.Pointer[state]
	events atomic.Pointer[eventState]
}

type eventState struct {
	list  []Event
	index *Index
}

type state struct {
	services []Service
	byID     map[string]int
	index    *Index
}

// NewDirectory is a directory with topics and, for a start, services.
func NewDirectory(topics []Topic, services []Service) *Directory {
	d := &Directory{topics: topics}
	d.Replace(services)
	d.ReplaceEvents(nil)
	return d
}

// Replace makes these the city's services: at the start and when a package changes.
func (d *Directory) Replace(services []Service) {
	s := &state{services: slices.Clone(services), byID: map[string]int{}}
	titles := map[string]i18n.Text{}
	for _, t := range d.topics {
		titles[t.ID] = t.Title
	}
	slices.SortFunc(s.services, func(a, b Service) int { return strings.Compare(a.ID, b.ID) })
	docs := make([]Doc, len(s.services))
	for i, v := range s.services {
		s.byID[v.ID] = i
		docs[i] = v.doc(titles)
	}
	s.index = NewIndex(docs)
	d.now.Store(s)
}

// ReplaceEvents makes these the city's life events.
func (d *Directory) ReplaceEvents(events []Event) {
	s := &eventState{list: slices.Clone(events)}
	slices.SortFunc(s.list, func(a, b Event) int { return strings.Compare(a.ID, b.ID) })
	docs := make([]Doc, len(s.list))
	for i, e := range s.list {
		docs[i] = Service{ID: e.ID, Title: e.Title, Summary: e.Summary, Synonyms: e.Synonyms}.doc(nil)
	}
	s.index = NewIndex(docs)
	d.events.Store(s)
}

// Event is a life event by its id.
func (d *Directory) Event(id string) (Event, bool) {
	for _, e := range d.events.Load().list {
		if e.ID == id {
			return e, true
		}
	}
	return Event{}, false
}

// Events lists the life events by id; with a topic, only those of the topic.
func (d *Directory) Events(topic string) []Event {
	var out []Event
	for _, e := range d.events.Load().list {
		if topic == "" || slices.Contains(e.Topics, topic) {
			out = append(out, e)
		}
	}
	return out
}

// asWell is how much less a life event may fit a query than the best service and still stand before it: whoever types "Umzug" is asked
// less by the life event than by the change of address.
const asWell = 0.02

// SearchEvents finds the life events that a query may mean, best first: those that fit it as well as the best service does, and further ones.
func (d *Directory) SearchEvents(query string, n int) (fitting, further []Event) {
	best := 0.0
	for _, h := range d.now.Load().index.Search(query, 1) {
		best = h.Score
	}
	for _, h := range d.events.Load().index.Search(query, n) {
		e, ok := d.Event(h.ID)
		switch {
		case !ok: // taken away meanwhile
		case h.Score+asWell >= best:
			fitting = append(fitting, e)
		default:
			further = append(further, e)
		}
	}
	return fitting, further
}

// doc is what of a service is searched, in all languages at once: people mix them.
func (s Service) doc(topics map[string]i18n.Text) Doc {
	d := Doc{ID: s.ID}
	add := func(k Kind, t i18n.Text) {
		langs := make([]string, 0, len(t))
		for l := range t {
			langs = append(langs, l)
		}
		slices.Sort(langs)
		for _, l := range langs {
			d.Texts = append(d.Texts, DocText{k, t[l]})
		}
	}
	add(Title, s.Title)
	for _, w := range s.Synonyms {
		d.Texts = append(d.Texts, DocText{Synonym, w})
	}
	for _, t := range s.Topics {
		add(Topical, topics[t])
	}
	add(Body, s.Summary)
	add(Body, s.Eligible)
	for _, l := range s.Laws {
		d.Texts = append(d.Texts, DocText{Body, l.Name})
	}
	return d
}

// Get is a service by its id.
func (d *Directory) Get(id string) (Service, bool) {
	s := d.now.Load()
	i, ok := s.byID[id]
	if !ok {
		return Service{}, false
	}
	return s.services[i], true
}

// All lists the services by id; with a topic, only those of the topic.
func (d *Directory) All(topic string) []Service {
	s := d.now.Load()
	if topic == "" {
		return slices.Clone(s.services)
	}
	var out []Service
	for _, v := range s.services {
		if slices.Contains(v.Topics, topic) {
			out = append(out, v)
		}
	}
	return out
}

// Search finds the services that a query may mean, best first, at most n.
func (d *Directory) Search(query string, n int) []Service {
	s := d.now.Load()
	hits := s.index.Search(query, n)
	out := make([]Service, len(hits))
	for i, h := range hits {
		out[i] = s.services[s.byID[h.ID]]
	}
	return out
}

// Topics lists the topics that have services, in the portal's order.
func (d *Directory) Topics() []TopicCount {
	s := d.now.Load()
	n := map[string]int{}
	for _, v := range s.services {
		for _, t := range v.Topics {
			n[t]++
		}
	}
	var out []TopicCount
	for _, t := range d.topics {
		if n[t.ID] > 0 {
			out = append(out, TopicCount{t, n[t.ID]})
		}
	}
	return out
}

// Topic is a topic by its id.
func (d *Directory) Topic(id string) (Topic, bool) {
	for _, t := range d.topics {
		if t.ID == id {
			return t, true
		}
	}
	return Topic{}, false
}
