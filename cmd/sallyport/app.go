package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"sallyport/core/app"
	"sallyport/core/session"
	"sallyport/server"
)

// AppCmd is what operators do about what people sign in to.
type AppCmd struct {
	Add    AppAdd    `cmd:"" help:"Add an app: a site behind a proxy, a client of OpenID Connect, or both."`
	List   AppList   `cmd:"" help:"List all apps, and those that are left out."`
	Show   AppShow   `cmd:"" help:"Show one app."`
	Set    AppSet    `cmd:"" help:"Change what is set of an app."`
	Remove AppRemove `cmd:"" help:"Remove an app: its doors shut."`
	Check  AppCheck  `cmd:"" help:"Say what would happen to somebody at an address, and by which rule."`
}

// guarded opens the core and does something with it.
func (r *run) guarded(do func(c *server.Core) error) error {
	c, err := r.core()
	if err != nil {
		return err
	}
	return errors.Join(do(c), c.Close())
}

// AppFlags are what can be said of an app. What is not given is left alone.
type AppFlags struct {
	Name    *string  `help:"The name that people read. Without it, the id." placeholder:"NAME"`
	Address []string `help:"Where the app is, scheme and host; may stand more than once." placeholder:"ADDRESS" sep:"none"`
	Group   []string `help:"A group whose members may enter, or everyone; may stand more than once." placeholder:"GROUP" sep:"none"`
	Need    *string  `help:"What has to be shown: none, one, two, or 'two within 15m'. Without it, two." placeholder:"NEED"`
	Rule    []string `help:"What holds for some paths and methods, as 'paths=/admin/* methods=POST groups=admins need=two within 15m'; may stand more than once, and the first that fits decides." placeholder:"RULE" sep:"none"`
	Tell    []string `help:"What it is told besides the username: name, email, groups; may stand more than once." placeholder:"FACT" sep:"none"`
	Share   *string  `help:"The domain of one cookie for all apps below it." placeholder:"DOMAIN"`
	Token   *bool    `help:"Have a signed token go with each request." negatable:""`

	Redirect      []string `help:"An address that people come back to by OpenID Connect; may stand more than once." placeholder:"ADDRESS" sep:"none"`
	AfterSignOut  []string `help:"An address that people may be sent to after signing out; may stand more than once." placeholder:"ADDRESS" sep:"none"`
	BackChannel   *string  `help:"The address that is told when a session ends." placeholder:"ADDRESS"`
	Auth          *string  `help:"How it proves itself: client_secret_basic, client_secret_post, private_key_jwt, or none. Without it, client_secret_basic." placeholder:"WAY"`
	SecretStdin   bool     `help:"Read its secret from standard input; without it, one is made and printed once."`
	KeysFile      *string  `help:"The file of its public keys (JWKS), for private_key_jwt." placeholder:"FILE"`
	Native        *bool    `help:"It runs on people's own machines." negatable:""`
	PKCE          *bool    `name:"pkce" help:"Ask for PKCE, as always; --no-pkce is for an old client that cannot." negatable:""`
	Algorithm     *string  `help:"How its tokens are signed: RS256, ES256 or EdDSA. Without it, RS256." placeholder:"NAME"`
	Refresh       *bool    `help:"Let it have refresh tokens." negatable:""`
	Consent       *bool    `help:"Ask people whether it may be told of them, as always; --no-consent is for your own apps." negatable:""`
	AccessMinutes *int     `help:"How many minutes an access token lives, 1 to 60. Without it, 10." placeholder:"MINUTES"`
}

// given says whether anything is.
func (f AppFlags) given() bool {
	return f.Name != nil || f.Address != nil || f.Group != nil || f.Need != nil || f.Rule != nil || f.Tell != nil || f.Share != nil || f.Token != nil || f.client()
}

// client says whether anything of OpenID Connect is.
func (f AppFlags) client() bool {
	return f.Redirect != nil || f.AfterSignOut != nil || f.BackChannel != nil || f.Auth != nil || f.SecretStdin || f.KeysFile != nil ||
		f.Native != nil || f.PKCE != nil || f.Algorithm != nil || f.Refresh != nil || f.Consent != nil || f.AccessMinutes != nil
}

// onto sets what was given in an app.
func (f AppFlags) onto(a *app.App) (err error) {
	set(&a.Name, f.Name)
	set(&a.Share, f.Share)
	set(&a.Token, f.Token)
	lists(&a.Addresses, f.Address)
	if f.Group != nil {
		a.Groups = listed(f.Group)
	}
	if f.Need != nil {
		if a.Need, err = app.ParseNeed(*f.Need); err != nil {
			return fmt.Errorf("need: %w", err)
		}
	}
	if f.Rule != nil {
		a.Rules = nil
		for _, text := range f.Rule {
			rule, err := app.ParseRule(text)
			if err != nil {
				return err
			}
			if text != "" { // an empty one takes all away
				a.Rules = append(a.Rules, rule)
			}
		}
	}
	if f.Tell != nil {
		a.Tell = nil
		for _, fact := range listed(f.Tell) {
			a.Tell = append(a.Tell, app.Fact(fact))
		}
	}
	if f.client() {
		return f.ontoClient(a)
	}
	return nil
}

func (f AppFlags) ontoClient(a *app.App) error {
	if a.Client == nil {
		a.Client = &app.Client{Auth: app.AuthBasic}
	}
	c := a.Client
	lists(&c.Redirects, f.Redirect)
	lists(&c.AfterSignOut, f.AfterSignOut)
	set(&c.BackChannel, f.BackChannel)
	set(&c.Native, f.Native)
	set(&c.Algorithm, f.Algorithm)
	set(&c.Refresh, f.Refresh)
	set(&c.AccessMinutes, f.AccessMinutes)
	if f.Auth != nil {
		c.Auth = app.Auth(*f.Auth)
	}
	if f.PKCE != nil {
		c.WithoutPKCE = !*f.PKCE
	}
	if f.Consent != nil {
		c.NoConsent = !*f.Consent
	}
	if f.KeysFile != nil {
		keys, err := os.ReadFile(*f.KeysFile)
		if err != nil {
			return fmt.Errorf("read the keys: %w; hint: name a file that you can read", err)
		}
		c.Keys = string(keys)
	}
	if !c.Confidential() {
		c.Secret = ""
	}
	if c.Auth != app.AuthPrivateKeyJWT && f.KeysFile == nil {
		c.Keys = ""
	}
	return nil
}

// set sets what was given.
func set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

// lists sets a list that was given; an empty text in it is none.
func lists(to *[]string, given []string) {
	if given == nil {
		return
	}
	*to = nil
	for _, text := range given {
		if text != "" {
			*to = append(*to, text)
		}
	}
}

// secret is the secret of a client that has none, or is to have another: from standard
// input, or a new one, which is printed.
func (f AppFlags) secret(c *app.Client) (made string, err error) {
	if f.SecretStdin {
		given, err := firstLine(os.Stdin)
		if err != nil {
			return "", err
		}
		if len(given) < app.SecretLeast {
			return "", fmt.Errorf("the secret has less than %d characters; hint: make one at random, or leave --secret-stdin out", app.SecretLeast)
		}
		c.Secret = app.Kept(given)
		return "", nil
	}
	made = app.NewSecret()
	c.Secret = app.Kept(made)
	return made, nil
}

// AppAdd adds an app.
type AppAdd struct {
	ID string `arg:"" help:"A short name: small letters, digits and hyphens. In OpenID Connect the client_id."`
	AppFlags
}

// Run adds the app, and prints the secret of a client once.
func (f AppAdd) Run(r *run) error {
	if f.Address == nil && f.Redirect == nil {
		return usage{errors.New("an app has an address, or a redirect of OpenID Connect; hint: --address https://wiki.example.org --group staff")}
	}
	a, made := app.App{ID: f.ID, Name: f.ID, Access: app.Access{Need: app.Need{Factors: app.Two}}}, ""
	if err := f.onto(&a); err != nil {
		return err
	}
	return r.guarded(func(c *server.Core) (err error) {
		if a.Client != nil && a.Client.Confidential() {
			if made, err = f.secret(a.Client); err != nil {
				return err
			}
		}
		if err := c.Manage.AddGuarded(r, actor(), a); err != nil {
			return err
		}
		return r.changed("added", a.ID, made)
	})
}

// changed says what was done to an app.
func (r *run) changed(what, id, secret string) error {
	if secret == "" {
		return r.say(map[string]string{"id": id}, "%s %s\n", what, id)
	}
	return r.say(map[string]string{"id": id, "client_secret": secret}, "%s %s\nclient secret, shown this once:\n%s\n", what, id, secret)
}

// AppSet changes what is set of an app.
type AppSet struct {
	ID string `arg:"" help:"The id."`
	AppFlags
	NewSecret bool `help:"Make a new secret; the one before works no more."`
	NoClient  bool `name:"no-client" help:"Take OpenID Connect away from it."`
}

// Run writes what was given, and prints a new secret once.
func (f AppSet) Run(r *run) error {
	switch {
	case !f.given() && !f.NewSecret && !f.NoClient:
		return usage{errors.New("nothing to set; hint: sallyport app set --help")}
	case f.NoClient && (f.client() || f.NewSecret):
		return usage{errors.New("--no-client goes with no other flag of OpenID Connect; hint: take one of them out")}
	case f.NewSecret && f.SecretStdin:
		return usage{errors.New("--new-secret makes a secret and --secret-stdin brings one; hint: take one of the two out")}
	}
	made := ""
	return r.guarded(func(c *server.Core) error {
		var brought *app.Client
		if f.SecretStdin { // once, though the edit may run again
			brought = &app.Client{}
			if _, err := f.secret(brought); err != nil {
				return err
			}
		}
		err := c.Manage.SetGuarded(r, actor(), f.ID, func(a *app.App) (err error) {
			if f.NoClient {
				a.Client = nil
			}
			if err := f.onto(a); err != nil || a.Client == nil || !a.Client.Confidential() {
				if err == nil && f.NewSecret {
					err = errors.New("the app has no secret; hint: --redirect ADDRESS --auth client_secret_basic")
				}
				return err
			}
			switch {
			case brought != nil:
				a.Client.Secret = brought.Secret
			case f.NewSecret || a.Client.Secret == "":
				made, err = AppFlags{}.secret(a.Client)
			}
			return err
		})
		if err != nil {
			return err
		}
		return r.changed("changed", f.ID, made)
	})
}

// AppRemove removes an app.
type AppRemove struct {
	ID string `arg:"" help:"The id."`
}

// Run removes the app; nobody enters it any more when it returns.
func (f AppRemove) Run(r *run) error {
	return r.guarded(func(c *server.Core) error {
		if err := c.Manage.RemoveGuarded(r, actor(), f.ID); err != nil {
			return err
		}
		return r.changed("removed", f.ID, "")
	})
}

// AppCheck says what would happen.
type AppCheck struct {
	Name    string        `arg:"" help:"The name of the person."`
	Address string        `arg:"" help:"The address, or the id of an app for signing in to it by OpenID Connect."`
	Method  string        `help:"The method of the request." default:"GET" placeholder:"METHOD"`
	Level   string        `help:"What they have shown: none, one, or two factors." default:"two" enum:"none,one,two" placeholder:"LEVEL"`
	Age     time.Duration `help:"How long ago they showed both." default:"0s" placeholder:"TIME"`
}

// happens are the answers in words.
var happens = map[app.Answer]string{
	app.Allow:   "%s enters",
	app.Confirm: "%s is asked for both factors again",
	app.SetUp:   "%s is asked for the second factor, which this session never showed",
	app.SignIn:  "%s is asked to sign in",
	app.Forbid:  "%s is kept out: no group of theirs may enter",
	app.Refuse:  "%s is refused: nobody can say for certain what this address means",
}

// Run prints the answer and what it rests on.
func (f AppCheck) Run(r *run) error {
	if f.Age < 0 {
		return usage{errors.New("an age is not less than nothing; hint: --age 20m")}
	}
	return r.guarded(func(c *server.Core) error {
		person, err := c.Manage.Person(r, f.Name)
		if err != nil {
			return err
		}
		who := app.Standing{Person: person.ID, Groups: person.Groups, Level: session.Two, BothAt: c.Now().Add(-f.Age)}
		switch {
		case f.Level == "none" || person.Disabled() || person.Held():
			who = app.Standing{}
		case f.Level == "one":
			who.Level, who.BothAt = session.One, time.Time{}
		}
		a, v, err := c.Manage.May(r, f.Address, f.Method, who)
		if err != nil {
			return err
		}
		asks, by := a.Asks(v.Rule), "what holds everywhere in it"
		if v.Rule > 0 {
			by = fmt.Sprintf("rule %d: %s", v.Rule, a.Rules[v.Rule-1])
		}
		if v.Answer == app.Refuse {
			asks, by = app.Access{}, "no rule"
		}
		account := ""
		if person.Disabled() || person.Held() {
			account = "turned off, or on hold: nobody signs in to it"
		}
		if r.JSON {
			return r.say(map[string]any{"person": person.Name, "app": a.ID, "address": f.Address, "method": f.Method, "answer": v.Answer.String(), "rule": v.Rule, "by": by,
				"need": asks.Need.String(), "groups": asks.Groups}, "")
		}
		fmt.Fprintln(r.out, printable(fmt.Sprintf(happens[v.Answer], person.Name)))
		r.line("account", account)
		r.line("app", a.ID)
		r.line("decided by", by)
		r.line("asked", asks.Need.String())
		r.line("of", strings.Join(asks.Groups, ", "))
		return nil
	})
}

// line prints a name and what it is, unless it is nothing.
func (r *run) line(name, value string) {
	if value != "" {
		fmt.Fprintf(r.out, "%-15s %s\n", name, printable(value))
	}
}
