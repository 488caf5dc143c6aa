package flow_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/back/seal"
	"sallyport/back/store"
	"sallyport/core/audit"
	"sallyport/core/change"
	"sallyport/core/factor"
	"sallyport/core/fault"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
	"sallyport/core/tally"
)

const (
	password = "walnut orbit ladder sky"
	changed  = "teapot meadow signal ant"
	mobile   = "+12025550143"
	other    = "+12025550144"
)

var (
	start = time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)
	cost  = person.Params{MemoryKiB: 8, Time: 1, Threads: 1}
	steps = []string{"Refuse", "AskPassword", "TurnedOff", "Held", "LaneClosed", "AskInvitation", "AskSetupCode", "OfferSetup", "AskInstall", "AskNumber",
		"AskTextCode", "ShowSecret", "AskNewFactor", "AskFactor", "AskOtherProof", "AskStillHave", "AskReplace", "Waiting", "AskNewPassword", "Done"}
)

// house is the machine on a database of its own, with one person, Ada, and one
// browser. What is done and what it changes is written down.
type house struct {
	*testing.T
	*store.Store
	m   *flow.Machine
	now time.Time
	ada person.Person
	b   *browser

	close    func()
	browsers int
	wrote    strings.Builder
	names    map[string]string // of what is random, in the order in which it comes
	quiet    bool
	hashes   bool
	counts   []string

	mu            sync.Mutex
	calls, breaks int    // the call that fails, from 1; 0 is none
	change        func() // happens before the next change is written
	each          bool   // and before every other call too
	always        func() // happens before every change
	after         func() // happens after the call that breaks, which then does not fail
	before        func() // happens before the call that breaks, which then does not fail
	applied       []change.Set
	seen          bool // a session's idle end moved
}

// browser is somebody's, with its cookies.
type browser struct {
	flow.Client
	cookie  string // that its sign-in forms are bound to
	attempt string
	forms   int
	mark    string // of the set-up that its forms were drawn for
}

// empty is a database that was just made: each house begins with a copy of it.
var empty = sync.OnceValues(func() (*seal.KeyFile, []byte) {
	keys, err := seal.ParseKeyFile("test.key", seal.NewKeyFile())
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "sallyport-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	o := store.Options{Folder: dir, Keys: keys, Now: func() time.Time { return start }}
	s, err := store.Open(context.Background(), o)
	if err == nil {
		err = s.Close()
	}
	raw, again := os.ReadFile(o.File())
	if err = errors.Join(err, again); err != nil {
		panic(err)
	}
	return keys, raw
})

// atHome is a house in which Ada has a password and nothing else.
func atHome(t *testing.T) *house {
	t.Helper()
	keys, raw := empty()
	dir, err := os.MkdirTemp("/dev/shm", "sallyport-test-") // how fast a disk is is not what is tested
	if err != nil {
		dir = t.TempDir()
	}
	h := &house{T: t, now: start, names: map[string]string{}}
	h.close = sync.OnceFunc(func() { h.m.Wait(); h.Store.Close(); os.RemoveAll(dir) })
	o := store.Options{Folder: dir, Keys: keys, Now: func() time.Time { return h.now }}
	if err := os.WriteFile(o.File(), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if h.Store, err = store.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	h.m = &flow.Machine{People: h, History: h, Attempts: h, Sessions: h, Changes: h, Secrets: plain{}, Hasher: person.NewQueue(2), Params: cost,
		Numbers: phone.Rules{Countries: []string{"US"}}, Context: []string{"Example"}, AppName: "Example", Now: func() time.Time { return h.now }, Tally: h}
	h.m.Policy.Idle, h.m.Policy.Length = time.Hour, 12*time.Hour
	h.m.Writer = message.Writer{Title: "Example", Name: "Example", URL: "https://login.example.org", Host: "login.example.org", Hash: h.m.LinkID}
	h.ada = person.New("ada", start.Add(-100*24*time.Hour))
	h.ada.ID, h.ada.Email, h.ada.Password, h.ada.PasswordAt = "ada-id", "ada@example.org", hashed(), start.Add(-90*24*time.Hour)
	h.quietly(person.Added{Person: h.ada})
	h.b = h.browser("Firefox", "198.51.100.7")
	return h
}

var hashed = sync.OnceValue(func() string { return person.Hash(password, cost) })

func (h *house) browser(agent, address string) *browser {
	h.browsers++
	return &browser{Client: flow.Client{Agent: agent, Address: address, Shown: address}, cookie: fmt.Sprint("browser ", h.browsers)}
}

// plain is the kept form of tokens; the same in every run.
type plain struct{}

func (plain) MAC(purpose string, parts ...[]byte) []byte {
	hash := sha256.New()
	for _, p := range append([][]byte{[]byte(purpose)}, parts...) {
		fmt.Fprintf(hash, "%d/%s", len(p), p)
	}
	return hash.Sum(nil)
}

var errDown = errors.New("database unavailable")

// call counts what is asked of the database, and says when it fails.
func (h *house) call() error {
	h.mu.Lock()
	h.calls++
	now := h.calls == h.breaks || h.each
	before := h.before
	h.mu.Unlock()
	switch {
	case now && before != nil:
		before()
	case now && h.after == nil:
		return errDown
	}
	return nil
}

func asked[T any](h *house, ask func() (T, error)) (T, error) {
	if err := h.call(); err != nil {
		var none T
		return none, err
	}
	n := h.calls
	found, err := ask()
	if h.after != nil && n == h.breaks {
		h.after()
	}
	return found, err
}

func (h *house) Person(ctx context.Context, id string) (*person.Person, error) {
	return asked(h, func() (*person.Person, error) { return h.Store.Person(ctx, id) })
}

func (h *house) PersonByName(ctx context.Context, name string) (*person.Person, error) {
	return asked(h, func() (*person.Person, error) { return h.Store.PersonByName(ctx, name) })
}

func (h *house) Phones(ctx context.Context, who string) ([]phone.Phone, error) {
	return asked(h, func() ([]phone.Phone, error) { return h.Store.Phones(ctx, who) })
}

func (h *house) PhonesEnded(ctx context.Context, who string, after time.Time) ([]phone.Phone, error) {
	return asked(h, func() ([]phone.Phone, error) { return h.Store.PhonesEnded(ctx, who, after) })
}

func (h *house) Sharing(ctx context.Context, e164 string) (int, error) {
	return asked(h, func() (int, error) { return h.Store.Sharing(ctx, e164) })
}

func (h *house) Link(ctx context.Context, id string) (*person.Link, error) {
	return asked(h, func() (*person.Link, error) { return h.Store.Link(ctx, id) })
}

func (h *house) EventsOf(ctx context.Context, who string, kinds []audit.Event, most int) ([]audit.Entry, error) {
	return asked(h, func() ([]audit.Entry, error) { return h.Store.EventsOf(ctx, who, kinds, most) })
}

func (h *house) Attempt(ctx context.Context, id string) (*flow.Attempt, error) {
	return asked(h, func() (*flow.Attempt, error) { return h.Store.Attempt(ctx, id) })
}

func (h *house) Setup(ctx context.Context, id string) (*flow.Setup, error) {
	return asked(h, func() (*flow.Setup, error) { return h.Store.Setup(ctx, id) })
}

func (h *house) SetupsOpen(ctx context.Context, who string, now time.Time) ([]flow.Setup, error) {
	return asked(h, func() ([]flow.Setup, error) { return h.Store.SetupsOpen(ctx, who, now) })
}

func (h *house) Standing(ctx context.Context, of flow.Subject) (flow.Standing, error) {
	return asked(h, func() (flow.Standing, error) { return h.Store.Standing(ctx, of) })
}

func (h *house) Sends(ctx context.Context, chain string) ([]message.Message, error) {
	return asked(h, func() ([]message.Message, error) { return h.Store.Sends(ctx, chain) })
}

func (h *house) Traffic(ctx context.Context, prefix, country string, now time.Time) (message.Traffic, error) {
	return asked(h, func() (message.Traffic, error) { return h.Store.Traffic(ctx, prefix, country, now) })
}

func (h *house) Session(ctx context.Context, id string) (*session.Session, error) {
	return asked(h, func() (*session.Session, error) { return h.Store.Session(ctx, id) })
}

func (h *house) SessionsOf(ctx context.Context, who string) ([]session.Session, error) {
	return asked(h, func() ([]session.Session, error) { return h.Store.SessionsOf(ctx, who) })
}

func (h *house) KnownBrowser(ctx context.Context, token, who string) (*session.KnownBrowser, error) {
	return asked(h, func() (*session.KnownBrowser, error) { return h.Store.KnownBrowser(ctx, token, who) })
}

func (h *house) KnownByCookie(ctx context.Context, token string) (int, error) {
	return asked(h, func() (int, error) { return h.Store.KnownByCookie(ctx, token) })
}

func (h *house) Limits(ctx context.Context, keys []string) (map[string]limit.State, error) {
	return asked(h, func() (map[string]limit.State, error) { return h.Store.Limits(ctx, keys) })
}

// Apply writes down what was changed, or that it was refused.
func (h *house) Apply(ctx context.Context, set change.Set) error {
	if _, seen := set[0].(session.Seen); seen { // in the background, before or after the rest
		h.mu.Lock()
		defer h.mu.Unlock()
		h.seen = true
		return h.Store.Apply(ctx, set)
	}
	if h.always != nil {
		h.always()
	}
	if does := h.change; does != nil {
		h.change = nil
		does()
	}
	err := h.call()
	if err == nil {
		err = h.Store.Apply(ctx, set)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.applied = append(h.applied, slices.Clone(set))
	} else if refused := (*change.Refused)(nil); errors.As(err, &refused) {
		h.applied = append(h.applied, change.Set{lost{Of: refused.Effect}})
	}
	return err
}

// lost is a change that was refused.
type lost struct {
	change.Mark
	Of change.Effect
}

// Tried and Limited are what is counted.
func (h *house) Tried(at tally.Try, came tally.Outcome) {
	h.counts = append(h.counts, fmt.Sprintf("%s %s", at, came))
}
func (h *house) Limited(budget string) { h.counts = append(h.counts, "limited "+budget) }

// quietly makes the house ready: nothing of it is written down.
func (h *house) quietly(effects ...change.Effect) {
	h.Helper()
	if err := h.Store.Apply(h.Context(), effects); err != nil {
		h.Fatal(err)
	}
}

// unseen does something that makes ready, and must work.
func (h *house) unseen(does func()) {
	h.Helper()
	h.quiet = true
	does()
	h.quiet = false
}

// with changes Ada as she is stored.
func (h *house) with(edit func(p *person.Person)) {
	h.Helper()
	p := h.stored()
	edit(p)
	h.quietly(person.Saved{Person: *p})
	h.ada = *h.stored()
}

func (h *house) stored() *person.Person {
	h.Helper()
	p, err := h.Store.Person(h.Context(), "ada-id")
	if err != nil || p == nil {
		h.Fatal(err)
	}
	return p
}

// shares makes a cookie known of somebody else too.
func (h *house) shares(i int, cookie string) {
	h.Helper()
	p := person.New(fmt.Sprintf("bob-%d", i), h.now)
	h.quietly(person.Added{Person: p}, session.Recognised{Browser: session.KnownBrowser{ID: "known of " + p.Name, Token: flow.HashToken(cookie),
		Person: p.ID, MadeAt: h.now, SeenAt: h.now, EndsAt: h.now.Add(session.KnownFor)}})
}

// queued is a text that went out at a moment.
func (h *house) queued(number string, at time.Time) {
	h.Helper()
	m := message.New(h.ada.ID, message.CodeKind, number, "US", "a code", at, phone.CodeLife)
	m.Prefix, m.Code = h.m.PrefixKey(number), m.ID
	h.quietly(message.Queued{Message: m}, message.Called{ID: m.ID, At: at}, message.Settled{ID: m.ID, State: message.Sent, At: at})
}

// beforeCall does something before the nth call of the next step to the database.
func (h *house) beforeCall(n int, does func()) {
	h.breaks, h.before = n, does
}

// beforeChange does something when all was read and decided, before it is written.
func (h *house) beforeChange(does func()) { h.change = does }

// full is a queue for hashes in which no place comes free.
func full(h *house) *person.Queue {
	q := person.NewQueue(1)
	free, begun := make(chan struct{}), make(chan struct{})
	h.Cleanup(func() { close(free) })
	go q.Do(context.Background(), person.Turn{Class: person.Known}, func() { close(begun); <-free })
	<-begun
	for i := range 64 {
		go q.Do(h.Context(), person.Turn{Class: person.Known, Address: fmt.Sprint(i)}, func() {})
	}
	for q.Waiting() < 64 {
		time.Sleep(time.Millisecond)
	}
	return q
}

func (h *house) later(by time.Duration) { h.now = h.now.Add(by) }

// spend uses so much of a budget up.
func (h *house) spend(b limit.Budget, n int, of ...string) { h.spendKey(b, n, b.Key(of...)) }

func (h *house) spendKey(b limit.Budget, n int, key string) {
	h.Helper()
	for range n {
		h.quietly(limit.Spent{Budget: b, Key: key, Now: h.now, Free: true})
	}
}

// name is how limits call a name.
func name(of string) string {
	return base64.RawURLEncoding.EncodeToString(plain{}.MAC("name", []byte(of)))
}

// do does something, and writes down what came of it and what was changed.
func (h *house) do(what string, does func() (flow.Result, error)) (flow.Result, error) {
	h.Helper()
	h.applied, h.counts, h.calls, h.seen = nil, nil, 0, false
	result, err := does()
	h.m.Wait()
	if h.before != nil && h.calls < h.breaks {
		h.Fatalf("%s calls the database %d times", what, h.calls)
	}
	if h.change != nil {
		h.Fatalf("%s changes nothing", what)
	}
	h.breaks, h.before, h.after = 0, nil, nil
	if h.quiet {
		if err != nil {
			h.Fatalf("%s: %v", what, err)
		}
		return result, err
	}
	fmt.Fprintf(&h.wrote, "> %s: ", what)
	switch f := fault.Of(err); {
	case err == nil:
		fmt.Fprintln(&h.wrote, h.told(reflect.ValueOf(result)))
	case f == nil:
		fmt.Fprintln(&h.wrote, "error", h.known(err.Error()))
	default:
		fmt.Fprintf(&h.wrote, "%s %v %s", kinds[f.Kind], f.Word, strings.TrimSpace(fmt.Sprintf("%s %v", f.Field, f.Args)))
		if f.Wait != 0 || f.Left != 0 || f.Missed {
			fmt.Fprintf(&h.wrote, " wait %s left %d missed %t", f.Wait, f.Left, f.Missed)
		}
		fmt.Fprintln(&h.wrote)
		if told := h.told(reflect.ValueOf(result)); told != "" {
			fmt.Fprintln(&h.wrote, "  beside it", told)
		}
	}
	if len(h.counts) > 0 {
		fmt.Fprintln(&h.wrote, "  counted:", strings.Join(h.counts, ", "))
	}
	if h.seen {
		fmt.Fprintln(&h.wrote, "  seen")
	}
	for i, set := range h.applied {
		if i > 0 {
			fmt.Fprintln(&h.wrote, "  and then")
		}
		for _, effect := range set {
			fmt.Fprintln(&h.wrote, "  "+h.worded(effect))
		}
	}
	return result, err
}

var kinds = map[fault.Kind]string{fault.Invalid: "invalid", fault.Denied: "denied", fault.Missing: "missing", fault.Gone: "gone",
	fault.TooMany: "too many", fault.Busy: "busy", fault.Outage: "outage"}

// say writes a line down.
func (h *house) say(format string, args ...any) {
	if !h.quiet {
		fmt.Fprintf(&h.wrote, format+"\n", args...)
	}
}

// take gives the browser the cookies of an answer.
func (b *browser) take(r flow.Result) {
	b.attempt, b.Session = cmp.Or(r.Attempt, b.attempt), cmp.Or(r.Session, b.Session)
	b.Known, b.Setup = cmp.Or(r.Known, b.Known), cmp.Or(r.Setup, b.Setup)
	if r.Finished {
		b.attempt = ""
	}
}

// form is the id of the next form.
func (b *browser) form() string {
	b.forms++
	return fmt.Sprintf("form-%d", b.forms)
}

// signIn sends the sign-in form.
func (h *house) signIn(entered string) (flow.Result, error) {
	h.Helper()
	return h.signInAs(flow.SignIn{Name: "ada", Password: entered})
}

func (h *house) signInAs(in flow.SignIn) (flow.Result, error) {
	h.Helper()
	in.Form, in.Browser = cmp.Or(in.Form, h.b.form()), cmp.Or(in.Browser, h.b.cookie)
	r, err := h.do("sign in", func() (flow.Result, error) { return h.m.SignIn(h.Context(), in, h.b.Client) })
	h.b.take(r)
	return r, err
}

// post sends a form of an attempt, and says what is asked then.
func (h *house) post(what string, send func(p flow.Post) (flow.Result, error)) (flow.Result, error) {
	h.Helper()
	return h.postAs(what, flow.Post{Token: h.b.attempt, Form: h.b.form(), Setup: h.b.mark}, send)
}

func (h *house) postAs(what string, p flow.Post, send func(p flow.Post) (flow.Result, error)) (flow.Result, error) {
	h.Helper()
	r, err := h.do(what, func() (flow.Result, error) { return send(p) })
	h.b.take(r)
	h.look()
	return r, err
}

// look writes down how the attempt stands.
func (h *house) look() *flow.Under {
	h.Helper()
	u, err := h.m.Look(h.Context(), h.b.attempt, h.b.Client)
	if err != nil {
		h.Fatal(err)
	}
	if u != nil {
		h.say("  now %s %s wait %s left %d begun %d", steps[u.Step], u.Over, u.Wait, u.Left, u.Begun())
	}
	return u
}

// under is how the attempt stands, which must not be over.
func (h *house) under() *flow.Under {
	h.Helper()
	u, err := h.m.Look(h.Context(), h.b.attempt, h.b.Client)
	if err != nil || u == nil {
		h.Fatalf("there is no attempt: %v", err)
	}
	return u
}

// set is the set-up under way.
func (h *house) set() *flow.Setup {
	h.Helper()
	s := h.under().Setup
	if s == nil {
		h.Fatal("no set-up is under way")
	}
	return s
}

// signed is the session of the browser.
func (h *house) signed() *flow.Signed {
	h.Helper()
	s, err := h.m.Signed(h.Context(), h.b.Session)
	h.m.Wait()
	if err != nil || s == nil {
		h.Fatalf("there is no session: %v", err)
	}
	return s
}

// key is the secret of an app of Ada's.
func key(of string) factor.Secret {
	sum := sha256.Sum256([]byte(of))
	return factor.Secret{Key: sum[:20]}
}

// enrolled gives Ada an app, recovery codes and a number, long ago.
func (h *house) enrolled() {
	h.Helper()
	h.app("phone")
	h.codes()
	h.number(mobile)
}

// app gives Ada an app.
func (h *house) app(of string) factor.Factor {
	h.Helper()
	f := factor.New(factor.App, h.ada.ID, "App "+of, key(of).Encode(), start.Add(-80*24*time.Hour))
	f.ID = "app-" + of
	h.with(func(p *person.Person) { p.EnrolledAt = start.Add(-80 * 24 * time.Hour) })
	h.quietly(factor.Bound{Factor: f})
	return f
}

// paper are the recovery codes of Ada, of which only the first two are real ones.
var paper = []string{"8KZT-4Q2M-7XPD-93HB", "8KZT-4Q2M-7XPD-93HC"}

var listed = sync.OnceValue(func() factor.CodeSet {
	salt := []byte("salt of a test, in 32 bytes.....")
	set := factor.CodeSet{Salt: salt, Used: make([]bool, factor.CodesPerSet), MadeAt: start.Add(-80 * 24 * time.Hour)}
	for i := range set.Used {
		hash := []byte(fmt.Sprintf("the hash of a code that nobody %d", i))
		if i < len(paper) {
			hash = person.HashWithSalt(factor.Letters(paper[i]), salt)
		}
		set.Hashes = append(set.Hashes, hash)
	}
	return set
})

func (h *house) codes(used ...int) {
	h.Helper()
	set := listed()
	set.Used = make([]bool, factor.CodesPerSet)
	for _, i := range used {
		set.Used[i] = true
	}
	f := factor.New(factor.Recovery, h.ada.ID, "", set.Encode(), start.Add(-81*24*time.Hour))
	f.ID = "codes"
	h.quietly(factor.Bound{Factor: f})
}

func (h *house) number(e164 string) phone.Phone {
	h.Helper()
	p := phone.New(h.ada.ID, phone.Number{E164: e164, Country: "US"}, start.Add(-80*24*time.Hour), false)
	p.ID = "number-" + e164[len(e164)-3:]
	h.quietly(phone.Bound{Phone: p})
	return p
}

// factors are those of Ada.
func (h *house) factors() []factor.Factor {
	h.Helper()
	rows, err := h.Store.Factors(h.Context(), h.ada.ID)
	if err != nil {
		h.Fatal(err)
	}
	return rows
}

// code is the code of an app now.
func (h *house) code(of string) string { return codeOf(key(of), h.now) }

func codeOf(s factor.Secret, at time.Time) string { return s.Code(s.Step(at)) }

// wrong is a code that is none of these apps' within fifteen hours, nor that of a text.
func (h *house) wrong(secrets ...factor.Secret) string {
	avoid := map[string]bool{}
	for _, s := range secrets {
		for step := s.Step(h.now) - 1800; step <= s.Step(h.now)+1800; step++ {
			avoid[s.Code(step)] = true
		}
	}
	for n := 135791; ; n++ {
		if code := fmt.Sprint(n); !avoid[code] {
			return code
		}
	}
}

// mistyped is a text message code that is another.
func mistyped(digits string) string {
	return digits[:5] + string('0'+(digits[5]-'0'+1)%10)
}

// worded puts an effect into words: all of it that a rule decides.
func (h *house) worded(effect change.Effect) string {
	if l, ok := effect.(lost); ok {
		return "refused: " + strings.TrimPrefix(fmt.Sprintf("%T", l.Of), "flow.")
	}
	if saved, ok := effect.(session.Saved); ok {
		saved.Session.SeenAt = time.Time{} // it does not write that
		effect = saved
	}
	return fmt.Sprintf("%T %s", effect, h.told(reflect.ValueOf(effect)))
}

var (
	random = regexp.MustCompile(`[A-Za-z0-9_-]{22,}`)
	digits = regexp.MustCompile(`^[0-9]{6}$`)
)

// known gives what is random a name: the same wherever it comes again.
func (h *house) known(text string) string {
	if strings.HasPrefix(text, "$argon2id$") {
		return h.called("hash", text)
	}
	if digits.MatchString(text) {
		return h.called("code", text)
	}
	return random.ReplaceAllStringFunc(text, func(found string) string {
		if strings.ToLower(found) == found && !strings.ContainsAny(found, "0123456789") {
			return found
		}
		return h.called("", found)
	})
}

func (h *house) called(as, what string) string {
	if h.names[what] == "" {
		h.names[what] = fmt.Sprintf("%s#%d", as, len(h.names)+1)
	}
	return h.names[what]
}

// told is a value without what is empty.
func (h *house) told(v reflect.Value) string {
	if !v.IsValid() || v.IsZero() {
		return ""
	}
	switch x := v.Interface().(type) {
	case time.Time:
		if by := x.Sub(h.now); by != 0 {
			return "now" + ahead(by)
		}
		return "now"
	case time.Duration:
		return x.String()
	case flow.Step:
		return steps[x]
	case limit.Budget:
		return x.Name
	case factor.Secret:
		return strings.TrimSpace(fmt.Sprintf("%s %v", h.called("secret", string(x.Key)), h.told(reflect.ValueOf(x.Refused))))
	case factor.CodeSet:
		return fmt.Sprintf("%d codes of salt %s, %d before, saved %t", x.Left(), h.called("", string(x.Salt)), len(x.Before), x.Saved)
	case factor.Factor:
		data := ""
		if s, err := factor.DecodeSecret(x.Data); err == nil {
			data = h.told(reflect.ValueOf(s))
		} else if set, err := factor.DecodeCodes(x.Data); err == nil {
			data = h.told(reflect.ValueOf(set))
		}
		x.Data = nil
		return h.fields(reflect.ValueOf(x)) + " " + data
	case person.Link:
		var about person.Disputed
		if json.Unmarshal(x.Data, &about) == nil {
			x.Data = nil
			return h.fields(reflect.ValueOf(x)) + " about " + h.fields(reflect.ValueOf(about))
		}
	case message.Message:
		x.Text, x.Subject, x.State = "", "", ""
		return h.fields(reflect.ValueOf(x))
	case phone.Number:
		return x.E164 + "/" + x.Country
	case []byte:
		return h.called("", string(x))
	case []string:
		if len(x) == factor.CodesPerSet {
			return "ten codes"
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return h.told(v.Elem())
	case reflect.String:
		return h.known(v.String())
	case reflect.Slice:
		var parts []string
		for i := range v.Len() {
			parts = append(parts, h.told(v.Index(i)))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case reflect.Struct:
		return h.fields(v)
	}
	return fmt.Sprint(v.Interface())
}

func ahead(by time.Duration) string {
	if by < 0 {
		return by.String()
	}
	return "+" + by.String()
}

// plainly says whether a field is what anybody would think it is: of the browser at
// hand, or done by whom it concerns.
func (h *house) plainly(v reflect.Value, field string) bool {
	text := v.FieldByName(field)
	switch field {
	case "Agent":
		return text.String() == h.b.Agent
	case "Address":
		return text.String() == h.b.Shown
	case "Actor":
		return text.String() == v.FieldByName("Person").String()
	}
	return false
}

func (h *house) fields(v reflect.Value) string {
	var parts []string
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Name == "Mark" || v.Field(i).IsZero() || h.plainly(v, f.Name) {
			continue
		}
		said := h.told(v.Field(i))
		switch {
		case said == "":
		case v.Field(i).Kind() == reflect.Bool:
			parts = append(parts, f.Name)
		case v.NumField() <= 2 || f.Anonymous:
			parts = append(parts, said)
		default:
			parts = append(parts, f.Name+":"+said)
		}
	}
	text := strings.Join(parts, " ")
	if len(parts) > 1 && v.NumField() > 2 {
		return "{" + text + "}"
	}
	return text
}
