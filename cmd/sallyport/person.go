package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"sallyport/core/factor"
	"sallyport/core/manage"
	"sallyport/core/person"
	"sallyport/server"
)

// PersonCmd is what operators do about people.
type PersonCmd struct {
	Add      PersonAdd     `cmd:"" help:"Add somebody; without a password, print an invitation link."`
	List     PersonList    `cmd:"" help:"List everybody."`
	Show     PersonShow    `cmd:"" help:"Show one person."`
	Set      PersonSet     `cmd:"" help:"Change what is set of somebody."`
	Invite   PersonInvite  `cmd:"" help:"Make a new invitation link."`
	Disable  PersonDisable `cmd:"" help:"Turn an account off; every session ends."`
	Enable   PersonEnable  `cmd:"" help:"Turn an account on again."`
	SignOut  PersonSignOut `cmd:"" help:"End every session of somebody."`
	Reset2FA PersonReset   `cmd:"" name:"reset-2fa" help:"Take the second factor of somebody away, and print a setup code."`
	Release  PersonRelease `cmd:"" help:"Release an account from hold, and print a setup code."`
	Export   PersonExport  `cmd:"" help:"Print all that is kept about somebody, as JSON, without secrets."`
	Delete   PersonDelete  `cmd:"" help:"Delete somebody, and everything that is kept about them."`
}

// with opens the core, finds the person and does something with both.
func (r *run) with(name string, do func(c *server.Core, who *person.Person) error) error {
	c, err := r.core()
	if err != nil {
		return err
	}
	who, err := c.Manage.Person(r, name)
	if err == nil {
		err = do(c, who)
	}
	return errors.Join(err, c.Close())
}

// say prints an answer: words for people, JSON for machines.
func (r *run) say(v any, format string, args ...any) error {
	if r.JSON {
		return json.NewEncoder(r.out).Encode(v)
	}
	_, err := fmt.Fprint(r.out, printable(fmt.Sprintf(format, args...)))
	return err
}

// PersonAdd adds somebody.
type PersonAdd struct {
	Name          string   `arg:"" help:"The name to sign in with."`
	Display       string   `help:"The name to show." placeholder:"NAME"`
	Email         string   `help:"A mail address, for notices." placeholder:"ADDRESS"`
	Group         []string `help:"A group; may stand more than once." placeholder:"GROUP" sep:"none"`
	Operator      bool     `help:"Allow into the console."`
	PasswordStdin bool     `help:"Read the password from standard input."`
	Delivery
}

// Delivery is how an invitation goes out.
type Delivery struct {
	NoMail bool `help:"Only print the invitation, though there is a mail address."`
}

func (d Delivery) by() manage.Invite {
	if d.NoMail {
		return manage.ByHand
	}
	return manage.ByMail
}

// Run adds the person and prints the invitation, unless a password was given.
func (a PersonAdd) Run(r *run) (err error) {
	password := ""
	if a.PasswordStdin {
		if password, err = firstLine(os.Stdin); err != nil {
			return err
		}
	}
	c, err := r.core()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	token, err := c.Manage.Add(r, actor(), manage.Adding{Name: a.Name, Display: a.Display, Email: a.Email, Groups: listed(a.Group), Operator: a.Operator, Password: password, Invite: a.by()})
	if err != nil {
		return err
	}
	who, err := c.Manage.Person(r, a.Name)
	switch {
	case err != nil:
		return err
	case token == "": // the name as it is stored, so that machines can go on with it
		return r.say(map[string]string{"name": who.Name}, "added %s\n", who.Name)
	}
	return r.invited(c, who, token, a.by())
}

// listed are the groups of flags, of which each may hold some, with commas, or
// none.
func listed(flags []string) []string {
	groups := []string{}
	for _, flag := range flags {
		for group := range strings.SplitSeq(flag, ",") {
			if group = strings.TrimSpace(group); group != "" {
				groups = append(groups, group)
			}
		}
	}
	return groups
}

func (r *run) invited(c *server.Core, who *person.Person, token string, by manage.Invite) error {
	link := c.Config.URL + "/invitation/" + token
	until := c.Now().Add(person.InvitationLife)
	mailed := c.Manage.Mails(*who, by)
	text := "invitation for %s, works once until %s:\n%s\n"
	args := []any{who.Name, c.Flow.Writer.When(until), link}
	if mailed {
		text, args = text+"It goes out by mail to %s too.\n", append(args, person.MaskMail(who.Email))
	}
	return r.say(map[string]any{"name": who.Name, "invitation": link, "until": until.UTC(), "mailed": mailed}, text, args...)
}

// firstLine reads a password from standard input, without its line end.
func firstLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 8<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", usage{errors.New("no password on standard input; hint: give it on the first line, or leave --password-stdin out for an invitation")}
	}
	return line, nil
}

// row is a person as commands print it: never a secret, never a full number.
type row struct {
	Name      string     `json:"name"`
	Display   string     `json:"display,omitempty"`
	Email     string     `json:"email,omitempty"`
	Groups    []string   `json:"groups,omitempty"`
	Operator  bool       `json:"operator"`
	TwoFactor string     `json:"two_factor"`
	Account   string     `json:"account"`
	ToldAt    string     `json:"told_at"`
	MustBy    *time.Time `json:"must_have_2fa_by,omitempty"`
	Enrolled  *time.Time `json:"enrolled_at,omitempty"`
	Number    string     `json:"number_ending,omitempty"`
	Codes     int        `json:"recovery_codes_left"`
	Apps      []string   `json:"apps,omitempty"`
	Sessions  int        `json:"sessions"`
}

func describe(r *run, c *server.Core, p person.Person) (row, error) {
	out := row{Name: p.Name, Display: p.Display, Email: p.Email, Groups: p.Groups, Operator: p.Operator, Account: "active", TwoFactor: "off"}
	factors, err := c.Store.Factors(r, p.ID)
	if err != nil {
		return out, err
	}
	phones, err := c.Store.Phones(r, p.ID)
	if err != nil {
		return out, err
	}
	sessions, err := c.Store.SessionsOf(r, p.ID)
	if err != nil {
		return out, err
	}
	setups, err := c.Store.SetupsOpen(r, p.ID, c.Now())
	if err != nil {
		return out, err
	}
	for _, s := range sessions {
		if s.Over(c.Now(), c.Flow.Times()) == "" {
			out.Sessions++
		}
	}
	for _, f := range factor.Of(factors, factor.App) {
		out.Apps = append(out.Apps, f.Name)
	}
	for _, f := range factor.Of(factors, factor.Recovery) {
		if set, err := factor.DecodeCodes(f.Data); err == nil {
			out.Codes = set.Left()
		}
	}
	switch {
	case len(out.Apps) > 0:
		out.TwoFactor = "on"
	case p.SetupDue:
		out.TwoFactor = "reset, waiting"
	case p.Enrolled() && !p.TurnedOff:
		out.TwoFactor = "ended, must recover"
	case len(setups) > 0:
		out.TwoFactor = "started"
	}
	switch {
	case p.Disabled():
		out.Account = "turned off"
	case p.Held():
		out.Account = "on hold"
	case p.Password == "":
		out.Account = "invited"
	}
	out.ToldAt = map[[2]bool]string{{true, true}: "mail and number", {true, false}: "mail only", {false, true}: "number only", {false, false}: "nowhere"}[[2]bool{p.Email != "", len(phones) > 0}]
	if len(phones) > 0 {
		out.Number = phones[len(phones)-1].Ending()
	}
	if !p.MustBy.IsZero() {
		out.MustBy = &p.MustBy
	}
	if p.Enrolled() {
		out.Enrolled = &p.EnrolledAt
	}
	return out, nil
}

// PersonList lists everybody.
type PersonList struct{}

// Run lists people by name; who can be told of a change only at the number that
// they just proved is marked.
func (PersonList) Run(r *run) (err error) {
	c, err := r.core()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if !r.JSON {
		fmt.Fprintf(r.out, "%-20s %-20s %-10s %-16s %s\n", "NAME", "2FA", "ACCOUNT", "TOLD AT", "SESSIONS")
	}
	for after := ""; ; {
		page, err := c.Store.Everyone(r, after, 200)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, p := range page {
			d, err := describe(r, c, p)
			if err != nil {
				return err
			}
			mark := ""
			if d.ToldAt == "number only" || d.ToldAt == "nowhere" {
				mark = " !"
			}
			if err := r.say(d, "%-20s %-20s %-10s %-16s %d\n", d.Name, d.TwoFactor, d.Account, d.ToldAt+mark, d.Sessions); err != nil {
				return err
			}
			after = p.Name
		}
	}
}

// PersonShow shows one person.
type PersonShow struct {
	Name string `arg:"" help:"The name."`
}

// Run prints what is known, but for secrets.
func (s PersonShow) Run(r *run) error {
	return r.with(s.Name, func(c *server.Core, who *person.Person) error {
		d, err := describe(r, c, *who)
		if err != nil || r.JSON {
			return errors.Join(err, r.say(d, ""))
		}
		line := func(name, value string) {
			if value != "" {
				fmt.Fprintf(r.out, "%-15s %s\n", name, value)
			}
		}
		line("name", d.Name)
		line("shown as", d.Display)
		line("mail", d.Email)
		line("groups", strings.Join(d.Groups, ", "))
		if d.Operator {
			line("operator", "yes")
		}
		line("account", d.Account)
		line("2FA", d.TwoFactor)
		line("apps", strings.Join(d.Apps, ", "))
		if d.Number != "" {
			line("number ending", d.Number)
		}
		line("recovery codes", fmt.Sprintf("%d left", d.Codes))
		if d.MustBy != nil {
			line("must have 2FA", "by "+c.Flow.Writer.When(*d.MustBy))
		}
		line("sessions", fmt.Sprint(d.Sessions))
		return nil
	})
}

// PersonSet changes what an operator may change.
type PersonSet struct {
	Name        string   `arg:"" help:"The name."`
	Display     *string  `help:"The name to show." placeholder:"NAME"`
	Email       *string  `help:"The mail address; empty removes it." placeholder:"ADDRESS"`
	Group       []string `help:"A group, in place of the present ones; may stand more than once, empty for none." placeholder:"GROUP" sep:"none"`
	Operator    *bool    `help:"Allow into the console." negatable:""`
	NewPassword *bool    `name:"ask-for-new-password" help:"Nothing opens before a new password is chosen." negatable:""`
}

// Run writes the settings that were given.
func (s PersonSet) Run(r *run) error {
	if s.Display == nil && s.Email == nil && s.Group == nil && s.Operator == nil && s.NewPassword == nil {
		return usage{errors.New("nothing to set; hint: sallyport person set --help")}
	}
	var groups *[]string
	if s.Group != nil {
		list := listed(s.Group)
		groups = &list
	}
	return r.with(s.Name, func(c *server.Core, who *person.Person) error {
		err := c.Manage.Set(r, actor(), who.ID, manage.Setting{Display: s.Display, Email: s.Email, Groups: groups, Operator: s.Operator, MustChange: s.NewPassword})
		if err != nil {
			return err
		}
		text := "changed %s\n"
		if s.Email != nil && *s.Email != who.Email && who.Email != "" {
			text += "links that were mailed to the address before work no more; sallyport person invite %[1]s makes a new one\n"
		}
		return r.say(map[string]string{"name": who.Name}, text, who.Name)
	})
}

// PersonInvite makes a new invitation.
type PersonInvite struct {
	Name string `arg:"" help:"The name."`
	Delivery
}

// Run prints the link; the one before stops working.
func (i PersonInvite) Run(r *run) error {
	return r.with(i.Name, func(c *server.Core, who *person.Person) error {
		token, err := c.Manage.Invite(r, actor(), who.ID, i.by())
		if err != nil {
			return err
		}
		return r.invited(c, who, token, i.by())
	})
}

// PersonDisable turns an account off.
type PersonDisable struct {
	Name string `arg:"" help:"The name."`
}

// Run turns the account off.
func (d PersonDisable) Run(r *run) error {
	return r.with(d.Name, func(c *server.Core, who *person.Person) error {
		if err := c.Manage.Disable(r, actor(), who.ID); err != nil {
			return err
		}
		return r.say(map[string]string{"name": who.Name}, "turned %s off\n", who.Name)
	})
}

// PersonEnable turns an account on.
type PersonEnable struct {
	Name string `arg:"" help:"The name."`
}

// Run turns the account on.
func (e PersonEnable) Run(r *run) error {
	return r.with(e.Name, func(c *server.Core, who *person.Person) error {
		if err := c.Manage.Enable(r, actor(), who.ID); err != nil {
			return err
		}
		return r.say(map[string]string{"name": who.Name}, "turned %s on\n", who.Name)
	})
}

// PersonSignOut ends every session of somebody.
type PersonSignOut struct {
	Name string `arg:"" help:"The name."`
}

// Run ends the sessions.
func (o PersonSignOut) Run(r *run) error {
	return r.with(o.Name, func(c *server.Core, who *person.Person) error {
		if err := c.Manage.SignOut(r, actor(), who.ID); err != nil {
			return err
		}
		return r.say(map[string]string{"name": who.Name}, "signed %s out everywhere\n", who.Name)
	})
}

// PersonReset takes the second factor of somebody away.
type PersonReset struct {
	Name      string `arg:"" help:"The name."`
	Checked   string `help:"How you checked who is asking: in-person, call-back, video or other." placeholder:"HOW"`
	Note      string `help:"Who asked, and how you know." placeholder:"TEXT"`
	KeepPhone bool   `help:"Keep the mobile number."`
}

// Run prints the setup code, once.
func (p PersonReset) Run(r *run) error {
	return r.with(p.Name, func(c *server.Core, who *person.Person) error {
		code, err := c.Manage.Reset(r, actor(), who.ID, manage.Checked{How: p.Checked, Note: p.Note}, p.KeepPhone)
		if err != nil {
			return err
		}
		return r.setupCode(c, who, code, "")
	})
}

func (r *run) setupCode(c *server.Core, who *person.Person, code, invitation string) error {
	until := c.Now().Add(person.SetupCodeLife)
	answer := map[string]any{"name": who.Name, "setup_code": code, "until": until.UTC()}
	if invitation != "" {
		answer["invitation"] = c.Config.URL + "/invitation/" + invitation
	}
	if err := r.say(answer, "setup code for %s, works once until %s:\n%s\ngive it in person or by phone, never by mail\n", who.Name, c.Flow.Writer.When(until), code); err != nil || r.JSON || invitation == "" {
		return err
	}
	return r.invited(c, who, invitation, manage.ByHand)
}

// PersonRelease releases an account from hold.
type PersonRelease struct {
	Name    string `arg:"" help:"The name."`
	Checked string `help:"How you checked who is asking: in-person, call-back, video or other." placeholder:"HOW"`
	Note    string `help:"Who asked, and how you know." placeholder:"TEXT"`
}

// Run prints the setup code, once; and an invitation where the password was
// what had been disputed.
func (p PersonRelease) Run(r *run) error {
	return r.with(p.Name, func(c *server.Core, who *person.Person) error {
		code, invitation, err := c.Manage.Release(r, actor(), who.ID, manage.Checked{How: p.Checked, Note: p.Note})
		if err != nil {
			return err
		}
		return r.setupCode(c, who, code, invitation)
	})
}
