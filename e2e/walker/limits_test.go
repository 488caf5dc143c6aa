package walker

import (
	"flag"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	office = flag.Int("office", 25, "how many people are behind one address: more than it may have codes unread")
	tries  = flag.Int("tries", 240, "how many wrong passwords are tried, from half as many addresses: more than a name has in an hour")
)

// with runs a story in a world of its own.
func with(t *testing.T, story func(w *World)) {
	t.Helper()
	var err error
	func() {
		defer recovered(&err)
		w := NewWorld(program, Policies[0])
		defer w.Portal.Close()
		story(w)
	}()
	if err != nil {
		t.Fatal(err)
	}
}

// does does steps, of which none may find anything.
func (w *World) does(t *testing.T, list ...Do) {
	t.Helper()
	for _, d := range list {
		if found := w.Step(d); found != nil {
			t.Fatalf("%s: %v\n%s", d, found, strings.Join(w.Trace[max(0, len(w.Trace)-20):], "\n"))
		}
	}
}

// enters signs somebody in, in a browser, at the first try.
func (w *World) enters(t *testing.T, b, who string) {
	t.Helper()
	c := &chooser{w: w}
	w.does(t, append(append([]Do{{Do: "clock", By: 61 * time.Second}}, c.enters(b, who)...), Do{Do: "press", In: b, What: "Verify", With: map[string]string{"code": "app:" + who}})...)
	if at := w.Browsers[b].Tabs[0].page().Name(); at != "security" {
		t.Fatalf("%s is at %s after the first try, not signed in: %s", who, at, brief(w.Browsers[b].Tabs[0].page().Body))
	}
}

// known enrols somebody, and makes a browser a known one.
func (w *World) known(t *testing.T, b, who string) {
	t.Helper()
	w.does(t, Do{Do: "finish", What: who})
	w.enters(t, b, who)
	w.does(t, Do{Do: "press", In: b, What: "Sign out"})
}

// Wrong passwords come from everywhere at once: the owner, in a browser that is
// known, signs in at the first try, while they come and afterwards. (A thousand of
// them, one after the other: server/TestAFloodOfWrongPasswordsKeepsNobodyOut.)
func TestNoOwnerIsKeptOutByWrongPasswords(t *testing.T) {
	t.Parallel()
	const atOnce = 6
	tries, addresses := int64(*tries), int64(*tries/2)
	with(t, func(w *World) {
		w.known(t, "ada/1", "ada")
		var next, wrong, right atomic.Int64
		half := make(chan bool)
		var all sync.WaitGroup
		for range atOnce {
			all.Go(func() {
				for {
					n := next.Add(1) - 1
					if n >= tries {
						return
					}
					if n == tries/2 {
						close(half)
					}
					b := &Browser{Cookies: map[string]string{}, address: fmt.Sprintf("203.0.%d.%d", n%addresses/250, 1+n%250)}
					page := b.send(w.Portal, "GET", "/sign-in", nil)
					b.keep(page)
					f, ok := (&Page{Body: page.Body}).Form("Sign in")
					if !ok {
						t.Errorf("no form to sign in: %s", page)
						return
					}
					f.Fields.Set("username", "ada")
					f.Fields.Set("password", fmt.Sprintf("wrong in its own way %d", n))
					for {
						switch x := b.send(w.Portal, "POST", "/sign-in", f.Fields); x.Status {
						case 422:
							wrong.Add(1)
						case 503:
							continue // busy: it was no try
						default:
							right.Add(1)
						}
						break
					}
				}
			})
		}
		<-half
		w.enters(t, "ada/1", "ada")
		all.Wait()
		if wrong.Load() != tries {
			t.Errorf("%d of %d were answered as wrong ones, %d otherwise", wrong.Load(), tries, right.Load())
		}
		w.enters(t, "ada/1", "ada")
	})
}

// A hundred misses in a row end an app, whatever is restarted meanwhile: not one
// more, and none is forgotten.
func TestAHundredMissesEndAnAppAcrossRestarts(t *testing.T) {
	t.Parallel()
	with(t, func(w *World) {
		w.does(t, Do{Do: "finish", What: "ada"}, Do{Do: "burn", What: "ada", Times: 2})
		if w.Model.People["ada"].Working() || w.misses != 100 {
			t.Errorf("after %d misses the app is on: %v", w.misses, w.Model.People["ada"].Working())
		}
		w.does(t, Do{Do: "finish", What: "ada"}) // by the text message
	})
}

// Somebody with the password guesses for as long as they can, as many a day as do
// not end the app, while the owner signs in daily: 300 guesses in a year, each
// right with 3 chances of a million, so less than one in a thousand.
func TestGuessesOfAYear(t *testing.T) {
	t.Parallel()
	const daily = 90
	with(t, func(w *World) {
		w.known(t, "ada/1", "ada")
		ada, guesses, closed := w.Model.People["ada"], 0, 0
		for day := range 12 {
			b := w.browser("password", 50+day)
			f := &finisher{World: w, p: ada, b: b, tab: b.Tabs[0]}
			for today := 0; today < daily && closed == 0; {
				page, found := f.tab.page(), (*Breach)(nil)
				switch {
				case page.Name() == "app-code":
					form, _ := page.Form("Verify")
					found = f.sendForm(b, f.tab, form, Do{With: map[string]string{"code": "wrong:" + w.wrong(ada, guesses)}})
					guesses++
					today++
				case page.Status == 403:
					closed = guesses
				case page.Name() == "wait":
					f.wait(0)
					found = f.go_("/2fa")
				case page.Name() == "sign-in":
					found = f.press("Sign in", map[string]string{"username": "ada", "password": "password:ada"})
				default:
					found = f.go_("/sign-in")
				}
				if found != nil {
					t.Fatal(found)
				}
			}
			w.enters(t, "ada/1", "ada") // a known browser goes on
			if closed > 0 && day > 4 {
				w.Portal.Move(30 * 24 * time.Hour) // later in the year it is closed as before
				closed = 0
			}
			w.Portal.Move(24 * time.Hour)
		}
		if guesses != 300 {
			t.Errorf("%d guesses in a year, not 300", guesses)
		}
	})
}

// clerk is somebody in the office, who goes through the wizard without a model.
type clerk struct {
	p    *Portal
	b    *Browser
	page *Page
}

func (c *clerk) go_(to string) { c.follow(c.b.send(c.p, "GET", to, nil)) }

func (c *clerk) follow(x *Exchange) {
	for {
		c.b.keep(x)
		if x.Status != 303 {
			c.page = &Page{Path: x.Path, Body: x.Body, Status: x.Status}
			return
		}
		x = c.b.send(c.p, "GET", x.Location, nil)
	}
}

func (c *clerk) press(button string, pairs ...string) {
	f, ok := c.page.Form(button)
	if !ok {
		panic(trouble{fmt.Errorf("no %q on %s (%d): %s", button, c.page.Name(), c.page.Status, brief(c.page.Body))})
	}
	form := url.Values(maps.Clone(f.Fields))
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	c.follow(c.b.send(c.p, "POST", f.Action, form))
}

// Everybody in an office behind one address sets up within an hour, though some
// mistype their password, the text message's code or the app's.
func TestAnOfficeBehindOneAddressEnrolsInAnHour(t *testing.T) {
	t.Parallel()
	with(t, func(w *World) {
		p, began := w.Portal, w.Portal.Now()
		texts := map[string]string{}
		for n := range *office {
			name := fmt.Sprintf("clerk%d", n)
			p.Run(firstPassword(name)+"\n", "person", "add", name, "--password-stdin")
			p.Move(time.Hour/time.Duration(*office) - 200*time.Millisecond)
			c := &clerk{p: p, b: &Browser{Cookies: map[string]string{}, address: "203.0.113.7"}}
			c.go_("/sign-in")
			if n%7 == 0 {
				c.press("Sign in", "username", name, "password", "mistyped somehow")
			}
			c.press("Sign in", "username", name, "password", firstPassword(name))
			c.go_(c.page.Link("Configure 2FA"))
			c.press("Continue")
			number := fmt.Sprintf("(%s) 555-01%02d", []string{"202", "415", "312", "503"}[n/100%4], n%100)
			c.press("Send SMS", "phone", number)
			for end := time.Now().Add(10 * time.Second); texts[E164(number)] == "" && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
				for _, text := range p.Texts() {
					if at := codeText.FindStringSubmatch(text.Text); at != nil {
						texts[text.To] = at[1]
					}
				}
			}
			if n%5 == 0 {
				c.press("Verify", "code", "000000")
			}
			c.press("Verify", "code", texts[E164(number)])
			at := keyMark.FindStringSubmatch(c.page.Body)
			if at == nil {
				t.Fatalf("%s gets no key but %s: %s", name, c.page.Name(), brief(c.page.Body))
			}
			c.press("Continue")
			if n%6 == 0 {
				c.press("Verify", "code", "000000")
			}
			c.press("Verify", "code", Code(strings.ReplaceAll(at[1], " ", ""), Step(p.Now())))
			c.press("Finish", "saved", "yes")
			if c.page.Name() != "security" || Level(c.page.Body) != 2 {
				t.Fatalf("%s ends at %s: %s", name, c.page.Name(), brief(c.page.Body))
			}
		}
		if took := p.Now().Sub(began); took > 75*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}
