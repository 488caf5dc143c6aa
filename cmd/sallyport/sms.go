package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/config"
	"sallyport/core/manage"
	"sallyport/server"
)

// SMSCmd is what operators do about text messages.
type SMSCmd struct {
	Test   SMSTest   `cmd:"" help:"Send a text message to a number, and follow it until it arrives."`
	Status SMSStatus `cmd:"" help:"Say how each gateway and country did in the last 24 hours."`
	Log    SMSLog    `cmd:"" help:"Print the newest text messages, with the end of their numbers."`
	Open   SMSOpen   `cmd:"" help:"Let text messages go again to a prefix or country that nobody answered."`
}

// SMSTest sends one.
type SMSTest struct {
	Number string        `arg:"" help:"The number, with + and the country's code, or as it is written in default_country."`
	Wait   time.Duration `help:"How long to wait for a receipt." default:"60s"`
}

// The times of a test.
const (
	taken = 3 * time.Second // then no portal runs that would take it
	each  = 200 * time.Millisecond
)

// Run queues the text and prints each change of what is known of it.
func (s SMSTest) Run(r *run) error {
	return r.logged(func(c *server.Core) error {
		id, err := c.Manage.TestText(r, actor(), s.Number, c.Config.DefaultCountry)
		if err != nil {
			return err
		}
		ctx, stop := context.WithCancel(r)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer stop()
		began, own, shown := time.Now(), false, map[string]string{}
		for {
			lines, err := c.Manage.TextChain(ctx, c.Store, id)
			if err != nil {
				return err
			}
			now := lines[0]
			r.follow(lines, shown, time.Since(began))
			switch manage.Came(now) {
			case manage.Arrived:
				return r.sayIfJSON(now)
			case manage.Stuck:
				return fmt.Errorf("the text message did not arrive: %s; hint: sallyport doctor asks the gateway, and docs/operate/sms.md says what each state means", reason(now))
			}
			switch {
			case !own && now.State == "waiting" && time.Since(began) > taken:
				own = true
				r.note("no running portal takes it, so this command sends what waits itself")
				wg.Go(func() { _ = c.SendTexts(ctx) })
			case time.Since(began) > s.Wait, now.State == "sent" && silent(c.Config, now.Gateway):
				if now.State != "sent" {
					return fmt.Errorf("the text message is %s; hint: sallyport sms log shows later what became of it", now.Words)
				}
				r.note("the gateway has it, and tells no more: look at the phone")
				return r.sayIfJSON(now)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(each):
			}
		}
	})
}

// silent says whether a gateway never tells what became of a text.
func silent(c *config.Config, gateway string) bool {
	return slices.ContainsFunc(c.SMS.Gateways, func(g config.Gateway) bool {
		switch {
		case g.Name != gateway:
			return false
		case g.Kind == config.KindHTTP, g.Kind == config.KindVonage:
			return g.ReceiptSecretFile == ""
		}
		return g.Kind == config.KindOutbox || g.Kind == config.KindSNS
	})
}

// follow prints what became of each send of a text since the last time.
func (r *run) follow(lines []manage.TextLine, shown map[string]string, since time.Duration) {
	for _, l := range slices.Backward(lines) {
		if r.JSON || shown[l.ID] == l.State {
			continue
		}
		shown[l.ID] = l.State
		by := ""
		if l.Gateway != "" {
			by = l.Gateway + ": "
		}
		fmt.Fprint(r.out, printable(fmt.Sprintf("%6.1f s  %s%s\n", since.Seconds(), by, reason(l))))
	}
}

func reason(l manage.TextLine) string {
	if l.Reason == "" {
		return l.Words
	}
	return l.Words + " (" + l.Reason + ")"
}

// note is a line for people.
func (r *run) note(text string) {
	if !r.JSON {
		fmt.Fprintln(r.out, text)
	}
}

func (r *run) sayIfJSON(v any) error {
	if !r.JSON {
		return nil
	}
	return r.say(v, "")
}

// SMSStatus counts the last day.
type SMSStatus struct{}

// Run prints a line for each gateway, each country and each alert.
func (SMSStatus) Run(r *run) error {
	return r.logged(func(c *server.Core) error {
		s, err := c.Manage.TextStatus(r, c.Store, c.Store)
		if err != nil {
			return err
		}
		if r.JSON {
			return r.say(s, "")
		}
		if len(c.Config.SMS.Gateways) == 0 {
			fmt.Fprintln(r.out, "no gateway is set: people are not asked for a number")
		}
		fmt.Fprintf(r.out, "the last 24 hours, and %d waiting now\n", s.Waiting)
		for _, g := range s.Gateways {
			fmt.Fprintf(r.out, "  %-16s %d sent, %d delivered, %d not delivered, %d without a report, %d failed, %d not known", g.Gateway, g.Sent, g.Delivered, g.Lost, g.NoReport, g.Failed, g.Unknown)
			if g.Median > 0 {
				fmt.Fprintf(r.out, ", half within %.0f s", g.Median)
			}
			if !g.Failing.IsZero() {
				fmt.Fprintf(r.out, "; FAILING since %s", g.Failing.In(c.Config.Location()).Format("15:04 MST"))
			}
			fmt.Fprintln(r.out)
		}
		for _, n := range s.Countries {
			fmt.Fprintf(r.out, "  %-16s %s, %d entered", n.Country, many(int64(n.Codes), "code", "codes"), n.Entered)
			if n.Costly {
				fmt.Fprint(r.out, "; many texts, few codes entered: possible abuse")
			}
			fmt.Fprintln(r.out)
		}
		if s.Budget != "" {
			fmt.Fprintf(r.out, "  spent today      %s of %s\n", s.Spent, s.Budget)
		}
		for _, a := range s.Stopped {
			fmt.Fprintf(r.out, "  %s  %s\n", a.Time.In(c.Config.Location()).Format("15:04 MST"), printable(a.Text))
		}
		return nil
	})
}

// SMSLog prints texts.
type SMSLog struct {
	Person string `help:"Those of one person." placeholder:"NAME"`
	Most   int    `short:"n" help:"How many." default:"50"`
}

// Run prints a line for each.
func (s SMSLog) Run(r *run) error {
	if s.Most < 0 || s.Most > 10_000 {
		return usage{errors.New("-n takes 0 to 10000")}
	}
	return r.logged(func(c *server.Core) error {
		lines, err := c.Manage.TextLog(r, c.Store, s.Person, s.Most)
		if err != nil {
			return err
		}
		if r.JSON {
			return r.say(lines, "")
		}
		for _, l := range lines {
			seconds := ""
			if l.Seconds > 0 {
				seconds = fmt.Sprintf(" in %.0f s", l.Seconds)
			}
			fmt.Fprintf(r.out, "%s  %-12s …%s %s  %-10s %-10s %s%s\n", l.Time.In(c.Config.Location()).Format("2 Jan 15:04:05"), cmp.Or(l.Person, "-"),
				l.Ending, l.Country, l.Use, cmp.Or(l.Gateway, "-"), reason(l), seconds)
		}
		return nil
	})
}

// SMSOpen opens a prefix or a country.
type SMSOpen struct {
	Where string `arg:"" help:"A country (GB), or a prefix: + with its code and the next 3 digits (\"+44 791\")."`
}

// Run forgets what nobody answered there.
func (s SMSOpen) Run(r *run) error {
	return r.logged(func(c *server.Core) error {
		where := strings.TrimSpace(s.Where)
		if err := c.Manage.Forgive(r, actor(), where); err != nil {
			return err
		}
		return r.say(map[string]string{"opened": where}, "text messages go to %s again; the limits for each number, person and address hold as before\n", where)
	})
}
