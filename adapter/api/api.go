// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"crypto/cipher"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/casefile"
	"mercator/domain/notice"
	"mercator/domain/process"
	"mercator/domain/register"
	"mercator/domain/service"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/time/rate"
)

// Version is the version of the interface, not of the program.
const Version = "1.0.0"

const (
	prefix     = "/api/v1"
	maxBody    = 1 << 20
	bodyTime   = 15 * time.Second
	maxClients = 10_000
)

// Person is for whom an application is made.
type Person struct {
	GivenNames string `json:"givenNames" minLength:"1" maxLength:"200"`
	FamilyName string `json:"familyName" minLength:"1" maxLength:"200"`
	BirthDate  string `json:"birthDate" format:"date" maxLength:"10"`
}

// Submission is an application that a program hands in for a person.
type Submission struct {
	Service string
	Lang    string
	Person  Person
	Answers map[string]any
	// Origin is the same for the same submission, however often it comes.
	Origin string
}

// Receipt says that an application is there: its case, the file number, when it came, and the SHA-256 of the signed file.
type Receipt struct {
	CaseID, Number string
	At             time.Time
	Hash           string
}

// FieldProblem is what is wrong with one answer, in the words of its language.
type FieldProblem struct{ Field, Detail string }

// Config is what the API needs. The functions are doors of rooms that app plugs in;
// the operations of one that is nil aren't offered.
type Config struct {
	DB *store.DB
	// Key seals answers kept for repeated requests: 32 bytes that aren't in the database.
	Key       []byte
	PublicURL string // without a path
	Contact   string // address of the operator, for the document
	Issuer    string // the OpenID provider that gives clients their tokens, for the document
	Log       *slog.Logger
	Now       func() time.Time
	Words     *i18n.Catalogue // texts of faults; nil: keys
	PerMinute int             // requests of one client; 0: 6000

	// Authenticate finds out who calls: identity.Bearer.Actor.
	Authenticate func(r *http.Request) (access.Actor, error)
	Access       *access.Checker
	Services     *service.Catalog
	Cases        *casefile.File
	Tasks        *process.Engine
	Registers    *register.Service
	Zone         *time.Location // the city's clock, for dates; nil: UTC
	// Check answers the code of an issued document: notice.Desk.Check.
	Check func(ctx context.Context, code string) (v notice.Validity, kind i18n.Text, from, until string, err error)
	// Submit opens the case of an application. Wrong answers come back as problems,
	// and nothing has happened.
	Submit func(ctx context.Context, a access.Actor, s Submission) (r Receipt, problems []FieldProblem, err error)
	// Complete ends a task with the answers to its form.
	Complete func(ctx context.Context, a access.Actor, taskID string, revision int64, answers map[string]any, lang string) (problems []FieldProblem, err error)
	// More adds the operations of other rooms.
	More []func(Room)
}

// Room is what a room needs to add its operations.
type Room struct {
	API huma.API
	// Caller is who calls; operations with a Security have one.
	Caller func(ctx context.Context) access.Actor
	// Fail turns a fault into the answer.
	Fail func(ctx context.Context, err error) error
}

// API is the counter for programs.
type API struct {
	c        Config
	huma     huma.API
	mux      *http.ServeMux
	seal     cipher.AEAD
	base     []byte // the document without the registers
	document []byte
	edition  int64 // of the registers that the document tells of
	mu       sync.Mutex
	limits   map[string]*rate.Limiter
}

// New builds the API. It answers everything under /api/.
func New(c Config) (*API, error) {
	const op = "api.new"
	if c.DB == nil || c.Authenticate == nil || c.Access == nil {
		return nil, fault.Internalf(op, "database, authenticate and access are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.PerMinute == 0 {
		c.PerMinute = 6000
	}
	seal, err := newSeal(c.Key)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	a := &API{c: c, mux: http.NewServeMux(), seal: seal, limits: map[string]*rate.Limiter{}}
	contact := &huma.Contact{Name: "Mercator", URL: strings.TrimSuffix(c.PublicURL, "/")}
	if c.Contact != "" {
		contact.Email = c.Contact
	}
	a.huma = humago.NewWithPrefix(a.mux, prefix, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Mercator", Version: Version, Contact: contact,
				Description: "Services of the city for programs: applications, cases, tasks, webhooks. Errors are problem documents (RFC 9457). " +
					"A POST with an Idempotency-Key happens once. Lists are paged: `next` of one page is `after` of the next one.",
				License: &huma.License{Name: "EUPL-1.2", URL: "https://eupl.eu/1.2/en/"}},
			Servers: []*huma.Server{{URL: strings.TrimSuffix(c.PublicURL, "/") + prefix}},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{"oauth2": scheme(c)},
			},
		},
		Formats: map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}, DefaultFormat: "application/json",
		RejectUnknownQueryParameters: true,
	})
	a.huma.UseMiddleware(a.allow)
	a.operations()
	if c.Tasks != nil && c.Services != nil {
		a.processes()
		a.historyOperations()
	}
	room := Room{API: a.huma, Caller: func(ctx context.Context) access.Actor { return callerOf(ctx).actor }, Fail: a.fail}
	for _, more := range c.More {
		more(room)
	}
	if err := a.describe(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	a.mux.HandleFunc("GET /api/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Write(a.described())
	})
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.problem(w, r, fault.New(fault.NotFound, "api.route", ""))
	})
	return a, nil
}

// scheme says how one gets a token: from the provider, which tells where at its
// discovery address.
func scheme(c Config) *huma.SecurityScheme {
	var said []string
	for name, what := range scopes() {
		said = append(said, name+": "+what)
	}
	slices.Sort(said)
	how := "OAuth 2 client credentials. Scopes: " + strings.Join(said, "; ")
	if c.Issuer != "" {
		return &huma.SecurityScheme{Type: "openIdConnect", OpenIDConnectURL: strings.TrimSuffix(c.Issuer, "/") + "/.well-known/openid-configuration", Description: how}
	}
	return &huma.SecurityScheme{Type: "http", Scheme: "bearer", Description: how}
}

func scopes() map[string]string {
	return map[string]string{
		"cases:read": "Read the cases that the client submitted", "cases:submit": "Submit applications", "cases:write": "Submit applications and change cases",
		"tasks:read": "Read the worklist of the client's office", "tasks:write": "Claim and complete tasks of the client's office",
		"processes:read": "See where processes stand", "processes:write": "Change running processes by hand and migrate them",
		"webhooks:write": "Subscribe to events",
		"messages:write": "Send messages, together with message:NAME for each", "signals:write": "Send signals, together with signal:NAME for each",
		"conditions:write": "Tell data under which cases begin",
		"registers:read":   "Read registers, together with register:NAME for each", "registers:write": "Change records of registers, together with register:NAME for each",
		"jobs:work":      "Do service tasks, together with job:TYPE for each type of them",
		"incidents:read": "See processes that can't go on", "incidents:write": "See processes that can't go on and try them again",
	}
}

// needs is a Security that any one of the scopes opens.
func needs(scopes ...string) []map[string][]string {
	var out []map[string][]string
	for _, s := range scopes {
		out = append(out, map[string][]string{"oauth2": {s}})
	}
	return out
}

// describe writes the document: what every answer has in common is added to each operation.
func (a *API) describe() error {
	doc := a.huma.OpenAPI()
	version := &huma.Header{Description: "The version of this interface", Schema: &huma.Schema{Type: "string"}}
	for _, path := range doc.Paths {
		for _, op := range []*huma.Operation{path.Get, path.Post, path.Put, path.Patch, path.Delete} {
			if op == nil {
				continue
			}
			for _, r := range op.Responses {
				if r.Headers == nil {
					r.Headers = map[string]*huma.Header{}
				}
				r.Headers["API-Version"] = version
			}
		}
	}
	b, err := json.Marshal(doc)
	a.base, a.document = b, b
	if err == nil && a.c.Registers != nil {
		a.edition = a.c.Registers.Registers().Edition()
		a.document, err = a.declareRegisters(b)
	}
	return err
}

// described is the document with the registers as they are declared now.
func (a *API) described() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.c.Registers == nil {
		return a.document
	}
	if n := a.c.Registers.Registers().Edition(); n != a.edition {
		b, err := a.declareRegisters(a.base)
		if err != nil {
			a.c.Log.Error("the registers can't be described; the document tells of those before", "err", err)
			return a.document
		}
		a.document, a.edition = b, n
	}
	return a.document
}

// caller is who calls and in which language they want to be told.
type caller struct {
	actor access.Actor
	known bool
	lang  string
	words *i18n.Localizer
}

type callerKey struct{}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := caller{lang: "de"}
	if a.c.Words != nil {
		c.words = a.c.Words.Match(r.Header.Get("Accept-Language"))
		c.lang = c.words.Lang()
	}
	w.Header().Set("API-Version", Version)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	r = r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
	if r.Header.Get("Authorization") != "" {
		actor, err := a.c.Authenticate(r)
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			a.problem(w, r, err)
			return
		}
		if actor.Acting() { // what goes out here goes by who calls; nobody acts for anybody over the interface
			a.problem(w, r, fault.New(fault.Denied, "api.acting", ""))
			return
		}
		if wait, ok := a.within(actor.ID); !ok {
			w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
			a.problem(w, r, fault.New(fault.TooMany, "api.limit", ""))
			return
		}
		actor.Door = access.DoorAPI // whoever they are, and whatever let them in
		c.actor, c.known = actor, true
		r = r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
	}
	if !c.known {
		a.mux.ServeHTTP(w, r) // public operations; the others refuse
		return
	}
	if err := a.once(w, r, c.actor.ID, a.mux); err != nil {
		a.problem(w, r, err)
	}
}

// within counts a request of a client.
func (a *API) within(client string) (time.Duration, bool) { return a.counted(client, a.c.PerMinute) }

// counted counts one of as many a minute; what is counted has a name.
func (a *API) counted(what string, perMinute int) (time.Duration, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.limits[what]
	if l == nil {
		if len(a.limits) >= maxClients { // clients are registered; this only bounds a mistake
			clear(a.limits)
		}
		l = rate.NewLimiter(rate.Limit(float64(perMinute)/60), max(perMinute/10, 1))
		a.limits[what] = l
	}
	now := a.c.Now()
	if l.AllowN(now, 1) {
		return 0, true
	}
	return time.Duration(60/float64(perMinute)*float64(time.Second)) + time.Millisecond, false
}

// allow asks for a caller with one of the operation's scopes.
func (a *API) allow(ctx huma.Context, next func(huma.Context)) {
	security := ctx.Operation().Security
	if len(security) == 0 {
		next(ctx)
		return
	}
	c := callerOf(ctx.Context())
	if slices.ContainsFunc(security, func(s map[string][]string) bool { return len(s) == 0 }) {
		next(ctx) // what may be public asks by itself
		return
	}
	if !c.known {
		ctx.SetHeader("WWW-Authenticate", "Bearer")
		a.write(ctx, a.fail(ctx.Context(), fault.New(fault.Unauthenticated, "api.allow", "")))
		return
	}
	for _, s := range security {
		if !slices.ContainsFunc(s["oauth2"], func(scope string) bool { return !c.actor.Is(scope) }) {
			next(ctx)
			return
		}
	}
	ctx.SetHeader("WWW-Authenticate", `Bearer error="insufficient_scope", scope="`+strings.Join(security[0]["oauth2"], " ")+`"`)
	a.write(ctx, a.fail(ctx.Context(), fault.New(fault.Denied, "api.allow", "")))
}

// Status is the HTTP status of a kind of fault.
func status(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Denied, fault.StepUp:
		return http.StatusForbidden
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Unsupported:
		return http.StatusUnsupportedMediaType
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// fail is the problem document of an error.
func (a *API) fail(ctx context.Context, err error) error {
	var ready huma.StatusError
	if err == nil || errors.As(err, &ready) {
		return err
	}
	kind := fault.KindOf(err)
	if errors.Is(err, context.DeadlineExceeded) {
		kind = fault.Unavailable
	}
	code := status(kind)
	if code >= 500 && !errors.Is(err, context.Canceled) {
		a.c.Log.Error("api request failed", "kind", string(kind), "error", err.Error())
	}
	key, args := fault.Message(err)
	text := http.StatusText(code)
	if w := callerOf(ctx).words; w != nil && w.Has(key) {
		text = w.T(key, args...)
	}
	problem := &huma.ErrorModel{Type: "urn:mercator:fault:" + string(kind), Title: http.StatusText(code), Status: code, Detail: text}
	var later interface{ RetryAfter() time.Duration }
	if errors.As(err, &later) {
		return huma.ErrorWithHeaders(problem, http.Header{"Retry-After": {strconv.Itoa(int(later.RetryAfter()/time.Second) + 1)}})
	}
	return problem
}

// write answers with a problem from inside the middleware.
func (a *API) write(ctx huma.Context, err error) {
	var p *huma.ErrorModel
	if !errors.As(err, &p) {
		p = &huma.ErrorModel{Status: http.StatusInternalServerError, Title: "Internal Server Error"}
	}
	ctx.SetHeader("Content-Type", "application/problem+json")
	ctx.SetStatus(p.Status)
	json.NewEncoder(ctx.BodyWriter()).Encode(p)
}

// problem answers with a problem before an operation was found.
func (a *API) problem(w http.ResponseWriter, r *http.Request, err error) {
	var p *huma.ErrorModel
	if !errors.As(a.fail(r.Context(), err), &p) {
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}

// wrongAnswers is the problem document of a form.
func wrongAnswers(problems []FieldProblem) error {
	p := &huma.ErrorModel{Type: "urn:mercator:fault:invalid", Title: http.StatusText(http.StatusUnprocessableEntity),
		Status: http.StatusUnprocessableEntity, Detail: "validation failed"}
	for _, f := range problems {
		p.Errors = append(p.Errors, &huma.ErrorDetail{Location: "body.answers." + f.Field, Message: f.Detail})
	}
	return p
}

// add adds an operation; its faults become problem documents.
func add[I, O any](a *API, op huma.Operation, h func(ctx context.Context, c caller, in *I) (*O, error)) {
	op.MaxBodyBytes, op.BodyReadTimeout = maxBody, bodyTime
	op.Errors = append(op.Errors, http.StatusBadRequest)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, callerOf(ctx), in)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return out, nil
	})
}

// cursor is a place in a list as a program carries it.
func cursor(at time.Time, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(store.Micros(at), 10) + " " + id))
}

func readCursor(s string) (at time.Time, id string, err error) {
	if s == "" {
		return time.Time{}, "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	micros, rest, ok := bytes.Cut(b, []byte(" "))
	n, e := strconv.ParseInt(string(micros), 10, 64)
	if err != nil || e != nil || !ok || len(rest) == 0 || len(rest) > 64 {
		return time.Time{}, "", fault.New(fault.Invalid, "api.cursor", "api.badCursor")
	}
	return store.Time(n), string(rest), nil
}
