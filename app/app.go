// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"mercator/adapter/oidclogin"
	"mercator/adapter/smtp"
	"mercator/adapter/xbezahl"
	"mercator/base/caldate"
	"mercator/base/i18n"
	"mercator/base/person"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/blob"
	"mercator/core/bus"
	"mercator/core/config"
	"mercator/core/identity"
	"mercator/core/inspect"
	"mercator/core/job"
	"mercator/core/ledger"
	"mercator/core/sign"
	"mercator/core/store"
	"mercator/core/vault"
	"mercator/domain/casefile"
	"mercator/domain/catalogue"
	"mercator/domain/intake"
	"mercator/domain/mandate"
	"mercator/domain/oversight"
	"mercator/domain/payment"
	"mercator/domain/process"
	"mercator/domain/register"
	"mercator/domain/register/sample"
	"mercator/domain/service"
	"mercator/lang/bpmn"
	"mercator/lang/dmn"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/assets"
)

//go:embed messages.*.toml
var messages embed.FS

// Version is what was built.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return "mercator " + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return "mercator development"
}

// Options is what a house is built from.
type Options struct {
	Config  config.Config
	Log     *slog.Logger
	Now     func() time.Time // nil: the clock
	Content fs.FS            // nil: as configured
	// Payments takes the place of the configured provider; nil: it is that one.
	Payments payment.Provider
	// NoStream leaves the embedded NATS server out: to play scenarios.
	NoStream bool
	// AsIs leaves the database as it is, and refuses one that would have to be migrated.
	AsIs bool
	// untested takes policies that no test speaks of: for a test that draws them.
	untested bool
}

// House is every room, built and plugged together.
type House struct {
	config   config.Config
	log      *slog.Logger
	now      func() time.Time
	content  fs.FS
	zone     *time.Location
	calendar *caldate.Calendar
	city     *sample.City

	definitions *register.Registers

	db        *store.DB
	vault     *vault.Vault
	signer    *sign.Signer
	blobs     *blob.Folder
	uploads   *blob.Drawer
	nats      *bus.NATS
	jobs      *job.Queue
	outbox    *bus.Outbox
	access    *access.Checker
	ledger    *ledger.Log
	sessions  *identity.Sessions
	mandates  *mandate.Service
	oversight *oversight.Service
	staff     staffList
	mail      *smtp.Sender // nil: there is no mail server
	registers *register.Service
	services  *service.Catalog
	directory *catalogue.Directory
	cases     *casefile.File
	engine    *process.Engine
	payments  *payment.Service
	intake    *intake.Intake
	rooms

	metrics *metrics
	site    *web.Site
	running atomic.Bool
}

// Migrations are the tables of every room, in the order in which they are made.
func Migrations() []store.Migrations {
	return append([]store.Migrations{
		blob.Migrations(), audit.Migrations(), identity.Migrations(), job.Migrations(), bus.Migrations(),
		service.Migrations(), vault.Migrations(), register.Migrations(), casefile.Migrations(), process.Migrations(),
		payment.Migrations(), intake.Migrations(),
	}, roomMigrations()...)
}

func openStore(ctx context.Context, c config.Config) (*store.DB, error) {
	sc := store.Config{Engine: store.Engine(c.Database.Engine), Path: c.Database.Path, MaxConns: c.Database.MaxConns}
	if sc.Engine == store.Postgres {
		dsn, err := c.Database.DSN.Read()
		if err != nil {
			return nil, fmt.Errorf("database.dsn: %w", err)
		}
		sc.DSN = dsn
	}
	return store.Open(ctx, sc)
}

func blobDir(c config.Config) string { return filepath.Join(c.Data.Shared, "documents") }

// New builds the house: the strong room, the offices, the counters, in this order.
// It migrates the database. Run opens the doors, Close shuts them.
func New(ctx context.Context, o Options) (_ *House, err error) {
	h := &House{config: o.Config, log: o.Log, now: o.Now, content: o.Content, metrics: newMetrics()}
	if h.now == nil {
		h.now = time.Now
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.content == nil {
		h.content = contentFS(o.Config.Content.Dir)
	}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	for _, build := range []func(context.Context, Options) error{h.strongRoom, h.offices, h.plugTasks, h.counters} {
		if err := build(ctx, o); err != nil {
			return nil, err
		}
	}
	h.listen(ctx)
	return h, nil
}

// strongRoom builds what every office needs and what knows no citizen's matter.
func (h *House) strongRoom(ctx context.Context, o Options) (err error) {
	c := h.config
	for _, dir := range []string{c.Data.Dir, c.Data.Shared} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if h.db, err = openStore(ctx, c); err != nil {
		return err
	}
	migrate := store.Migrate
	if o.AsIs {
		migrate = store.Migrated
	}
	if err := migrate(ctx, h.db, Migrations()); err != nil {
		return err
	}
	if !o.AsIs {
		if err := (&audit.Ledger{DB: h.db}).Partition(ctx, h.now(), time.Time{}); err != nil {
			return err
		}
	}
	if h.blobs, err = blob.OpenFolder(blobDir(c)); err != nil {
		return err
	}
	if err := h.blobs.Belong(ctx, h.db); err != nil {
		return err
	}
	if h.uploads, err = blob.OpenDrawer(uploadsDir(c)); err != nil {
		return err
	}
	if h.vault, err = openVault(ctx, c, h.db); err != nil {
		return err
	}
	if !o.AsIs {
		if _, err := (&audit.Ledger{DB: h.db, Keys: ledger.Keys(h.vault)}).MoveKeys(ctx); err != nil {
			return err
		}
		if h.signer, err = sign.Open(ctx, h.db, h.vault); err != nil { // who leaves everything as it is signs nothing
			return err
		}
	}
	// The data folder belongs to one process at a time, so its key names the node; with the
	// host, for folders that were copied.
	node, err := secretFile(filepath.Join(c.Data.Dir, "node.id"))
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	if h.jobs, err = job.NewQueue(job.Config{DB: h.db, Log: h.log, Now: h.now, Node: fmt.Sprintf("%s-%x", host, node[:6])}); err != nil {
		return err
	}
	oc := bus.Config{DB: h.db, Log: h.log, Now: h.now}
	if !o.NoStream {
		if h.nats, err = h.openBus(); err != nil {
			return err
		}
		oc.Stream = h.nats
	}
	if h.outbox, err = bus.New(oc); err != nil {
		return err
	}
	policies, err := fs.Sub(h.content, "policies")
	if err != nil {
		return err
	}
	if err := h.openLedger(); err != nil {
		return err
	}
	disclose, err := loadDisclosure(policies, h.log)
	if err != nil {
		return err
	}
	if err := h.openOversight(policies); err != nil {
		return err
	}
	if h.access, err = access.New(h.accessConfig(policies, disclose, o.untested)); err != nil {
		return err
	}
	h.oversight.UseChecker(h.access)
	h.sessions, err = identity.NewSessions(identity.Config{DB: h.db, Secure: strings.HasPrefix(c.Server.PublicURL, "https:"),
		Idle: c.Identity.SessionIdle, Absolute: c.Identity.SessionMax, Now: h.now, Log: h.log, Acting: h.acting})
	return err
}

// openBus starts the embedded NATS server, or connects to the one outside.
func (h *House) openBus() (*bus.NATS, error) {
	c := h.config.Bus
	if c.URL != "" {
		o := bus.Outside{URL: c.URL, User: c.User, Credentials: c.Credentials, Replicas: c.Replicas}
		if c.User != "" {
			var err error
			if o.Password, err = c.Password.Read(); err != nil {
				return nil, fmt.Errorf("bus.password: %w", err)
			}
		}
		return bus.Connect(o)
	}
	password := func(name string) (string, error) {
		key, err := secretFile(filepath.Join(h.config.Data.Dir, name+".token"))
		return fmt.Sprintf("%x", key), err
	}
	n := bus.NATSConfig{Dir: filepath.Join(h.config.Data.Dir, "nats"), Listen: c.Listen, Workers: map[string]string{}}
	var err error
	if c.Listen != "" {
		if n.Token, err = password("bus"); err != nil {
			return nil, err
		}
	}
	for _, name := range c.Workers {
		if n.Workers[name], err = password("bus-" + name); err != nil {
			return nil, err
		}
	}
	return bus.StartNATS(n)
}

// offices builds the rooms of the domain.
func (h *House) offices(ctx context.Context, o Options) (err error) {
	c := h.config
	folder := func(name string) fs.FS {
		sub, e := fs.Sub(h.content, name)
		err = errors.Join(err, e)
		return sub
	}
	cityFS, registersFS := folder("city"), folder("registers")
	if err != nil {
		return err
	}
	if err := h.readCity(); err != nil {
		return err
	}
	if err := h.settleRegisters(ctx, registersFS); err != nil {
		return err
	}
	if err := h.openRegisters(h.access.Reaches); err != nil {
		return err
	}
	h.settleStaff()
	if err := h.registers.Upgrade(ctx); err != nil {
		return err
	}
	if err := h.installCity(ctx); err != nil {
		return err
	}
	h.services = service.NewCatalog(h.db, h.now)
	topics, err := catalogue.LoadTopics(cityFS)
	if err != nil {
		return err
	}
	h.directory = catalogue.NewDirectory(topics, nil)
	h.services.OnChange(func() {
		h.directory.Replace(h.signpost())
		h.directory.ReplaceEvents(h.eventSigns())
	})
	if err := h.openMandates(ctx, cityFS); err != nil {
		return err
	}
	if err := h.loadServices(ctx); err != nil {
		if !service.StaysOpen(err) {
			return err
		}
		h.log.Error("a service package has mistakes; the version before it stays in force", "err", err)
	}
	h.loadEvents()
	h.cases = &casefile.File{DB: h.db, Outbox: h.outbox, Now: h.now}
	h.engine, err = process.New(process.Config{DB: h.db, Jobs: h.jobs, Now: h.now, Zone: h.zone, Calendar: h.calendar, Log: h.log, Hooks: h.processHooks()})
	if err != nil {
		return err
	}
	if err := h.metrics.registry.Register(newWork(h.engine.WorkNumbers, h.now)); err != nil {
		return err
	}
	provider := o.Payments
	if provider == nil {
		if provider, err = paymentProvider(c.Payment); err != nil {
			return err
		}
	}
	h.payments, err = payment.New(payment.Config{DB: h.db, Provider: provider, BaseURL: c.Server.PublicURL, Now: h.now, Log: h.log,
		OnPaid: h.onPaid, OnChange: h.onPaymentChange, OnRefund: h.onRefund, Publish: h.publish})
	if err != nil {
		return err
	}
	if err := h.buildRooms(ctx); err != nil {
		return err
	}
	scan, err := scanner(c)
	if err != nil {
		return err
	}
	h.intake, err = intake.New(intake.Config{DB: h.db, Vault: h.vault, Log: h.log, Fading: h.tellOfFading, Tell: h.tellOfDraft, Services: h.services, Access: h.access, Now: h.now, Zone: h.zone,
		Fetch: func(ctx context.Context, g access.Grant, use service.RegisterUse, person string) (any, error) {
			return h.registers.Fetch(ctx, g, register.Use{Register: use.Register, Person: person, Fields: use.Fields, One: use.One})
		},
		List:     h.registers.List,
		OpenCase: h.openCase, Case: h.caseData, Corrected: h.corrected, Withdrawn: h.withdrawn,
		Match: h.registers.MatchPerson, Received: h.received,
		Files: h.uploads, Pictures: h.renderer, HEIC: heicProgram(c), Scan: scan, Found: h.malwareFound, GuestFiles: guestFiles(c),
	})
	if err != nil {
		return err
	}
	if !o.AsIs {
		if _, err := h.intake.Upgrade(ctx); err != nil {
			return err
		}
	}
	return h.buildWatch()
}

// cityZone is in which the city's days begin.
func cityZone() (*time.Location, error) { return time.LoadLocation("Europe/Berlin") }

// readCity reads the organisation of the city.
func (h *House) readCity() error {
	folder, err := fs.Sub(h.content, "city")
	if err != nil {
		return err
	}
	if h.city, err = sample.LoadCity(folder); err != nil {
		return err
	}
	if h.zone, err = cityZone(); err != nil {
		return err
	}
	if h.calendar, err = caldate.New(h.city.Info.State, h.city.Info.Closed...); err != nil {
		return fmt.Errorf("city/organisation.toml: %w", err)
	}
	return nil
}

// loadServices reads the packages; a package with a mistake is reported and the
// version before it stays in force.
func (h *House) loadServices(ctx context.Context) error {
	folder, err := fs.Sub(h.content, "services")
	if err != nil {
		return err
	}
	return h.services.Load(ctx, folder, h.checkService)
}

// loadEvents reads the life events, after the services. One with a mistake is told of and isn't offered: nothing else hangs on it.
func (h *House) loadEvents() {
	folder, err := fs.Sub(h.content, "events")
	if err == nil {
		err = h.services.LoadEvents(folder)
	}
	if err != nil {
		h.log.Error("a life event has mistakes; the one before it stays in force", "err", err)
	}
}

// checkService holds a package against the registers and offices of the house.
func (h *House) checkService(s *service.Service) []service.Problem {
	var out []service.Problem
	say := func(format string, args ...any) {
		out = append(out, service.Problem{File: "service.toml", Msg: fmt.Sprintf(format, args...)})
	}
	if _, ok := h.office(s.Office); !ok {
		say("the city has no office %q", s.Office)
	}
	out = append(out, checkRegisters(h.definitions, s)...)
	for _, m := range begunBy(s) {
		if h.services == nil { // lint: of one package
			break
		}
		for _, o := range h.services.All() {
			if o.ID != s.ID && slices.Contains(begunBy(o), m) {
				say("the message %q begins cases of the service %s already: a message begins one case", m, o.ID)
			}
		}
	}
	return out
}

// checkRegisters holds a package against declared registers.
func checkRegisters(regs *register.Registers, s *service.Service) []service.Problem {
	var out []service.Problem
	say := func(format string, args ...any) {
		out = append(out, service.Problem{File: "service.toml", Msg: fmt.Sprintf(format, args...)})
	}
	for _, d := range s.Data {
		def, ok := regs.Get(d.Register)
		if !ok {
			say("there is no register %q", d.Register)
			continue
		}
		for _, f := range d.Fields {
			if _, ok := def.Field(f); !ok {
				say("the register %s has no field %q", d.Register, f)
			}
		}
	}
	for _, l := range s.Lists {
		if def, ok := regs.Get(l.Register); !ok || !def.Public {
			say("[[list]] %s: there is no public register of that name", l.Register)
		}
	}
	for _, w := range s.Write {
		def, ok := regs.Get(w.Register)
		if !ok {
			say("[[write]]: there is no register %q", w.Register)
			continue
		}
		for _, f := range w.Names() {
			if _, ok := def.Field(f); !ok {
				say("[[write]]: the register %s has no field %q", w.Register, f)
			}
		}
	}
	for _, w := range s.Watches {
		def, ok := regs.Get(w.Register)
		if !ok || def.Person == "" {
			say("[[watch]] %s: there is no register %q about persons", w.ID, w.Register)
			continue
		}
		for _, f := range w.Fields {
			field, ok := def.Field(f)
			switch {
			case !ok || field.View():
				say("[[watch]] %s: the register %s keeps no field %q", w.ID, w.Register, f)
			case f == w.Date && !field.By(register.Dates):
				say("[[watch]] %s: %s.%s isn't searched as a date: it can't be watched without looking at every record", w.ID, w.Register, f)
			}
		}
	}
	return out
}

// begunBy are the messages that begin cases of a service.
func begunBy(s *service.Service) []string {
	if s.Process == nil {
		return nil
	}
	proc, ok := s.Process.Process(s.ProcessID)
	if !ok || !proc.Executable {
		return nil
	}
	list, err := proc.Begins(time.Unix(0, 0))
	if err != nil {
		return nil
	}
	var out []string
	for _, b := range list {
		if b.Trigger == bpmn.Message {
			out = append(out, b.Name)
		}
	}
	return out
}

// signpost is every service as the directory tells it.
func (h *House) signpost() []catalogue.Service {
	var out []catalogue.Service
	for _, s := range h.services.All() {
		if s.Internal {
			continue
		}
		c := catalogue.Service{ID: s.ID, Paper: s.About == "", Title: s.Title, Summary: s.Summary, Eligible: s.Eligible, Duration: s.Duration, Purpose: s.Purpose,
			Needs: s.Needs, Free: s.Fee.Decision == "", Office: s.Office, Trust: s.Trust.String(), Audience: s.Audience, Topics: s.Topics, Synonyms: s.Synonyms}
		for _, l := range s.Laws {
			c.Laws = append(c.Laws, catalogue.Law{Name: l.Name, URL: l.URL})
		}
		for _, f := range s.Fee.Examples {
			c.Fees = append(c.Fees, catalogue.Fee{Label: f.Label, Cents: f.Cents, Law: f.Law})
		}
		for _, d := range s.Data {
			c.Data = append(c.Data, catalogue.Use{Register: d.Register, Purpose: d.Purpose, Basis: d.Basis})
		}
		for _, w := range s.Watches {
			c.Watches = append(c.Watches, catalogue.Use{Register: w.Register, Purpose: w.Purpose, Basis: w.Basis})
		}
		out = append(out, c)
	}
	return out
}

// eventSigns is every life event as the directory tells it.
func (h *House) eventSigns() []catalogue.Event {
	var out []catalogue.Event
	for _, e := range h.services.Events() {
		c := catalogue.Event{ID: e.ID, Title: e.Title, Summary: e.Summary, Topics: e.Topics, Synonyms: e.Synonyms}
		trust := access.Basic
		for _, p := range e.Parts {
			if p.Asked() {
				c.Offered = append(c.Offered, p.Service)
				continue
			}
			c.Always = append(c.Always, p.Service)
			if s, ok := h.services.Current(p.Service); ok {
				trust = max(trust, s.Trust)
			}
		}
		c.Trust = trust.String()
		out = append(out, c)
	}
	return out
}

func paymentProvider(c config.Payment) (payment.Provider, error) {
	token, err := c.Token.Read()
	if err != nil {
		return nil, fmt.Errorf("payment.token: %w", err)
	}
	return xbezahl.New(xbezahl.Config{BaseURL: strings.TrimSuffix(c.Endpoint, "/"), Originator: c.Originator, EndPoint: c.EndpointID,
		Client: &http.Client{Timeout: 15 * time.Second}, Authorize: xbezahl.Basic(c.Originator, token)})
}

// catalogue is every word that the house says.
func (h *House) catalogue() (*i18n.Catalogue, error) {
	all := []fs.FS{messages, person.Messages, form.Messages, inspect.Messages, dmn.Messages, oidclogin.Messages()}
	all = append(all, web.Messages()...)
	return i18n.Load(append(all, roomMessages()...)...)
}

// counters builds the pages and the API.
func (h *House) counters(ctx context.Context, _ Options) error {
	c := h.config
	words, err := h.catalogue()
	if err != nil {
		return err
	}
	style, err := assets.Load()
	if err != nil {
		return err
	}
	templates, err := web.NewTemplates(web.TemplateConfig{Catalogue: words, Assets: style, Zone: h.zone})
	if err != nil {
		return err
	}
	login, err := h.login(words)
	if err != nil {
		return err
	}
	mounts, err := h.mounts(templates, login, words)
	if err != nil {
		return err
	}
	proxies, err := prefixes(c.Server.TrustedProxies)
	if err != nil {
		return err
	}
	checkout, err := url.Parse(c.Payment.Checkout)
	if err != nil {
		return err
	}
	nav := func(id, href string, signedIn bool) web.NavItem {
		return web.NavItem{ID: id, Key: "app.nav." + id, Href: href, SignedIn: signedIn}
	}
	atDesk := func(id, href string, roles ...string) web.NavItem {
		return web.NavItem{ID: id, Key: "app.nav." + id, Href: href, SignedIn: true, Roles: roles}
	}
	portal := []web.NavItem{nav("services", "/services", false), nav("apply", "/apply", true), nav("cases", "/cases", true), nav("postbox", "/postbox", true), nav("my-data", "/my-data", true), nav("mandates", "/mandates", true)}
	h.site, err = web.New(web.Config{
		Catalogue: words, Templates: templates, Assets: style, Log: h.log, Now: h.now,
		City: web.City{Product: "Mercator", Name: h.city.Info.Name, Footer: []web.FooterLink{
			{Key: "app.nav.desk", Href: "/desk"}, {Key: "app.footer.api", Href: "/api/openapi.json"},
		}},
		Nav: map[web.ShellKind][]web.NavItem{web.PublicShell: portal, web.PortalShell: portal,
			web.DeskShell: {atDesk("work", "/desk", "clerk", "head", "counter"), atDesk("paper", "/desk/paper", "clerk", "head", "counter"), atDesk("together", "/desk/together", "clerk", "head", "counter"), atDesk("registers", "/desk/registers", "clerk", "head"), atDesk("refunds", "/desk/refunds", "clerk", "head", "counter"),
				atDesk("deskmandates", "/desk/mandates", "clerk", "head", "counter"), atDesk("deputies", "/desk/deputies"),
				atDesk("approvals", "/desk/approvals", "head"), atDesk("break-glass", "/desk/break-glass", "emergency"), atDesk("oversight", "/desk/oversight", "auditor"),
				atDesk("incidents", "/desk/incidents", "operator"), atDesk("external", "/desk/external", "operator"), atDesk("processes", "/desk/processes", "operator"), atDesk("replays", "/desk/replays", "operator", "head"), atDesk("studio", "/desk/studio", "author", "operator"), nav("portal", "/", false)}},
		Viewer: func(r *http.Request) (web.Viewer, bool) {
			a, ok := identity.Current(r)
			return web.Viewer{Name: a.Name, Kind: string(a.Kind), Level: int(a.Level), Sub: a.Office, Roles: a.Roles, Acting: actingOf(a)}, ok
		},
		Middleware:     []func(http.Handler) http.Handler{h.sessions.Middleware},
		HTTPS:          strings.HasPrefix(c.Server.PublicURL, "https:"),
		FormOrigins:    []string{login.FormOrigin(), checkout.Scheme + "://" + checkout.Host},
		TrustedProxies: proxies, Observe: h.metrics.observe, Limits: h.limits(),
	}, mounts...)
	return err
}

func prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("server.trusted_proxies: %w", err)
		}
		out = append(out, p)
	}
	return out, nil
}

func (h *House) login(words *i18n.Catalogue) (*oidclogin.Login, error) {
	c := h.config
	secret, err := c.Identity.ClientSecret.Read()
	if err != nil {
		return nil, fmt.Errorf("identity.client_secret: %w", err)
	}
	key, err := secretFile(filepath.Join(c.Data.Shared, "signin.key"))
	if err != nil {
		return nil, err
	}
	levels := map[string]access.Level{}
	for acr, name := range c.Identity.Levels {
		if levels[acr], err = access.ParseLevel(name); err != nil {
			return nil, err
		}
	}
	directory := &identity.Directory{DB: h.db, Match: h.registers.MatchPerson, Now: h.now}
	return oidclogin.New(oidclogin.Config{
		Issuer: c.Identity.Issuer, ClientID: c.Identity.ClientID, ClientSecret: secret, BaseURL: c.Server.PublicURL,
		ACR: levels, Key: key, Sessions: h.sessions, Actor: h.knownStaff(directory),
		Language: func(r *http.Request) string { return web.Localizer(r).Lang() }, Now: h.now, Log: h.log,
	})
}

// office is an office of the city.
func (h *House) office(id string) (sample.Office, bool) {
	for _, o := range h.city.Offices {
		if o.ID == id {
			return o, true
		}
	}
	return sample.Office{}, false
}

// officeName is its name, or its number where the city has none of that number.
func (h *House) officeName(id string) i18n.Text {
	if o, ok := h.office(id); ok {
		return i18n.Text(o.Name)
	}
	return i18n.Plain(id)
}

// Run opens the doors on a listener and works until ctx ends: then no request is
// taken any more, and what is under way is finished. ready is called once the house
// answers; it may be nil.
func (h *House) Run(ctx context.Context, l net.Listener, ready func()) error {
	// Requests end before the rooms that they need.
	rooms, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	work := []func(context.Context) error{h.jobs.Run, h.outbox.Run, h.payments.Run, h.sweep, h.turn, h.watch, h.keepWatch, h.keepLedger, h.keepRetention, h.checkUploads, h.followPackages}
	done := make(chan error, 1)
	go func() { done <- runAll(rooms, work...) }()
	h.running.Store(true)
	defer h.running.Store(false)
	if ready != nil {
		ready()
	}
	server := h.site.Server()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, h.engine.EndWaiting)() // who waits for work mustn't hold up the end
	var failed error
	go func() {
		failed = <-done // a room that ends by itself ends the house
		done <- nil
		cancel()
	}()
	err := serveServer(ctx, server, l, h.config.Server.Drain)
	stop()
	<-done
	return errors.Join(err, failed)
}

// sweep removes what has run out, sessions and drafts, and masks old causes of incidents.
func (h *House) sweep(ctx context.Context) error {
	return h.every(ctx, 10*time.Minute, "what has run out can't be removed", func() (bool, error) {
		_, err1 := h.sessions.Sweep(ctx)
		_, err2 := h.intake.Sweep(ctx)
		return false, errors.Join(err1, err2, h.api.Sweep(ctx), h.webhooks.Sweep(ctx), h.engine.MaskCauses(ctx), h.mandates.Sweep(ctx), h.oversight.Sweep(ctx))
	})
}

// turn puts into force in the registers what was known in advance.
func (h *House) turn(ctx context.Context) error {
	return h.every(ctx, time.Minute, "what comes into force in the registers waits", func() (bool, error) { return h.registers.Turn(ctx) })
}

// every does a pass at once and then time and again, and the next without a pause while there is more to do. What fails is
// logged and waits for the next time.
func (h *House) every(ctx context.Context, pause time.Duration, failed string, pass func() (more bool, err error)) error {
	t := time.NewTicker(pause)
	defer t.Stop()
	for {
		more, err := pass()
		if err != nil && ctx.Err() == nil {
			h.log.Error(failed, "err", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// watch loads packages and policies that have changed.
func (h *House) watch(ctx context.Context) error {
	c := h.config.Content
	if c.Dir == "" || c.Reload == 0 {
		<-ctx.Done()
		return nil
	}
	packages := func() string { return stamp(filepath.Join(c.Dir, "services")) + stamp(filepath.Join(c.Dir, "events")) }
	last := packages()
	rules := stamp(filepath.Join(c.Dir, "policies"))
	t := time.NewTicker(c.Reload)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if now := stamp(filepath.Join(c.Dir, "policies")); now != rules {
			rules = now
			if err := h.access.Load(os.DirFS(filepath.Join(c.Dir, "policies"))); err != nil {
				h.log.Error("the policies have mistakes or fail their tests; those before stay in force", "err", err)
			} else {
				h.log.Warn("policies were loaded again")
			}
		}
		now := packages()
		if now == last {
			continue
		}
		last = now
		if err := h.loadServices(ctx); err != nil {
			h.log.Error("a service package has mistakes; the version before it stays in force", "err", err)
		} else {
			h.log.Warn("service packages were loaded again")
		}
		h.loadEvents()
		h.listen(ctx)
	}
}

// stamp changes when a file of the folder does.
func stamp(dir string) string {
	var b strings.Builder
	filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
	return b.String()
}

// Close shuts what New opened.
func (h *House) Close() {
	if h.access != nil {
		h.access.Close()
	}
	if h.nats != nil {
		h.nats.Close()
	}
	if h.db != nil {
		h.db.Close()
	}
}
