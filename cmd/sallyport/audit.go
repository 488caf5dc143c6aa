package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"sallyport/core/manage"
	"sallyport/server"
)

// AuditCmd is what operators do with the audit log.
type AuditCmd struct {
	Verify AuditVerify `cmd:"" help:"Check every entry of the audit log, their order, and signed heads."`
	Head   AuditHead   `cmd:"" help:"Print where the audit log ends now, signed, to be kept elsewhere."`
	Export AuditExport `cmd:"" help:"Print entries of the audit log, a line of JSON each."`
	Tail   AuditTail   `cmd:"" help:"Print the newest entries of the audit log."`
	Prune  AuditPrune  `cmd:"" help:"Drop old entries of the audit log; a signed gap stays."`
}

// logged opens the core and does something with its log. A wish that cannot be
// read is an error in how the command was called.
func (r *run) logged(do func(c *server.Core) error) error {
	c, err := r.core()
	if err != nil {
		return err
	}
	err = do(c)
	if errors.Is(err, manage.ErrWanted) {
		err = usage{err}
	}
	return errors.Join(err, c.Close())
}

// AuditVerify checks the audit log.
type AuditVerify struct {
	Head string `help:"Heads that were kept elsewhere: what \"audit head\" printed, or the portal's log in JSON." placeholder:"FILE"`
}

// Run says how much was checked, or names the first entry that does not verify.
func (v AuditVerify) Run(r *run) error {
	return r.logged(func(c *server.Core) error {
		report, err := c.VerifyAudit(r, v.Head)
		if err != nil {
			return err
		}
		if r.JSON {
			if err := r.say(report, ""); err != nil {
				return err
			}
		}
		if f := report.Fault; f != nil {
			return fmt.Errorf("the audit log does not verify from %s on: %s; hint: keep a copy of the database as it is, then look at who could write to it, and compare with your backups", f, f.Why)
		}
		if r.JSON {
			return nil
		}
		fmt.Fprintf(r.out, "the audit log verifies: %s, the last is number %d\n", many(report.Entries, "entry", "entries"), report.Last)
		for _, more := range []struct {
			n    int64
			text string
		}{{report.Pruned, "pruned, by signed gaps"}, {report.Erased, "of people who were deleted"}, {report.Unlinked, "too new to be linked"}} {
			if more.n > 0 {
				fmt.Fprintf(r.out, "  %d %s\n", more.n, more.text)
			}
		}
		if n := int64(report.Heads); n > 0 {
			fmt.Fprintf(r.out, "  %s compared\n", many(n, "signed head", "signed heads"))
		}
		return nil
	})
}

// AuditHead prints the end of the chain.
type AuditHead struct{}

// Run links what is there first, where no portal runs that would.
func (AuditHead) Run(r *run) error {
	return r.logged(func(c *server.Core) error {
		head, err := c.AuditHead(r)
		if err != nil {
			return err
		}
		return json.NewEncoder(r.out).Encode(head)
	})
}

// Which is a choice of entries.
type Which struct {
	Since  string   `help:"From this day or time on: 2026-11-25, or 2026-11-25T08:00:00Z." placeholder:"TIME"`
	Until  string   `help:"Before this day or time." placeholder:"TIME"`
	Person string   `help:"Only what concerns somebody, or what they did." placeholder:"NAME"`
	Event  []string `help:"Only this event; may stand more than once." placeholder:"EVENT"`
}

// AuditExport prints entries.
type AuditExport struct {
	Which
	CSV bool `name:"csv" help:"A table instead, safe to open in a spreadsheet."`
}

// Run streams, so that a log of any size fits.
func (x AuditExport) Run(r *run) error {
	return r.logged(func(c *server.Core) error {
		out := bufio.NewWriterSize(r.out, 1<<16)
		write, head := jsonLines(out), func() error { return nil }
		if x.CSV {
			write, head = table(out)
		}
		err := c.Manage.ExportLog(r, c.Store, actor(), manage.Wanted{Since: x.Since, Until: x.Until, Person: x.Person, Events: x.Event}, write)
		if err == nil {
			err = head() // of a table without rows; a wish that cannot be read has none
		}
		return errors.Join(err, out.Flush())
	})
}

func jsonLines(out io.Writer) func(manage.LogLine) error {
	to := json.NewEncoder(out)
	to.SetEscapeHTML(false)
	return func(l manage.LogLine) error { return to.Encode(l) }
}

// table writes entries as rows, and its head once: before the first of them, or
// when it is asked for.
func table(out io.Writer) (write func(manage.LogLine) error, head func() error) {
	to := csv.NewWriter(out)
	head = sync.OnceValue(func() error {
		err := to.Write([]string{"entry", "id", "time", "event", "text", "method", "reason", "person", "person_id", "actor", "actor_id", "note", "address", "browser", "request", "attempt", "mac", "link"})
		to.Flush()
		return errors.Join(err, to.Error())
	})
	return func(l manage.LogLine) error {
		if err := head(); err != nil {
			return err
		}
		row := []string{strconv.FormatInt(l.Entry, 10), l.ID, l.Time.UTC().Format(time.RFC3339Nano), l.Event, l.Text, l.Method, l.Reason, l.Person, l.PersonID, l.Actor, l.ActorID,
			l.Note, l.Address, l.Browser, l.Request, l.Attempt, l.MAC, l.Link}
		for i, cell := range row {
			row[i] = inert(cell)
		}
		err := to.Write(row)
		to.Flush()
		return errors.Join(err, to.Error())
	}, head
}

// formula is what a spreadsheet takes for the beginning of one: also in a wide form,
// behind what cannot be seen, or behind what parts cells in the spreadsheets of half
// of the world.
var formula = regexp.MustCompile(`(^|[;\t\n])([\pZ\pC]*[=+\-@|%\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}])`)

// inert keeps a spreadsheet from taking anything in a cell for a formula (CWE-1236).
func inert(cell string) string { return formula.ReplaceAllString(cell, "$1'$2") }

// AuditTail prints the newest entries.
type AuditTail struct {
	Number int  `short:"n" help:"How many." default:"20"`
	Follow bool `short:"f" help:"Go on with those that come, until Ctrl-C."`
}

// Run prints a line each.
func (t AuditTail) Run(r *run) error {
	if t.Number < 0 || t.Number > 10_000 {
		return usage{errors.New("-n takes 0 to 10000; hint: sallyport audit export prints all")}
	}
	return r.logged(func(c *server.Core) error {
		return c.Manage.TailLog(r, c.Store, t.Number, t.Follow, func(l manage.LogLine) error { return r.say(l, "%s", plainLine(l)) })
	})
}

// plainLine is an entry for a terminal, which must not obey what strangers call
// their browsers.
func plainLine(l manage.LogLine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %-16s %s", l.Time.UTC().Format("2006-01-02 15:04:05Z"), l.Person, l.Text)
	for _, more := range []struct{ name, text string }{{"method", l.Method}, {"reason", l.Reason}, {"by", l.Actor}, {"note", l.Note}, {"from", l.Address}, {"browser", l.Browser}} {
		if more.text != "" && (more.name != "by" || more.text != l.Person) {
			fmt.Fprintf(&b, ", %s %s", more.name, more.text)
		}
	}
	return strings.ReplaceAll(printable(b.String()), "\n", "·") + "\n"
}

// AuditPrune drops old entries.
type AuditPrune struct {
	Before string `required:"" help:"Entries from before this day or time go." placeholder:"TIME"`
	Yes    bool   `help:"Do it: it cannot be taken back."`
}

// Run drops them.
func (p AuditPrune) Run(r *run) error {
	return r.logged(func(c *server.Core) error {
		before, err := c.Manage.Moment(p.Before)
		if err != nil {
			return err
		}
		if !p.Yes {
			return usage{fmt.Errorf("all entries from before %s would be gone for good; hint: sallyport audit export --until %s first, then add --yes", p.Before, p.Before)}
		}
		n, err := c.Manage.PruneLog(r, c.Store, actor(), before)
		if err != nil {
			return err
		}
		return r.say(map[string]any{"pruned": n}, "pruned %d entries\n", n)
	})
}

// many counts things in words.
func many(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
