// Command sallyport is the portal and everything an operator does with it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"os/user"
	"strings"
	"syscall"
	"unicode"

	"github.com/alecthomas/kong"

	"sallyport/config"
	"sallyport/server"
)

// Commands is the one table of commands: a noun, then a verb.
type Commands struct {
	Config string           `help:"The settings file." default:"./sallyport.yaml" placeholder:"FILE"`
	JSON   bool             `name:"json" help:"Answer in JSON, for machines."`
	Ver    kong.VersionFlag `name:"version" help:"Print the version."`

	Demo    DemoCmd    `cmd:"" help:"Start a complete portal on this machine, to try."`
	Init    InitCmd    `cmd:"" help:"Write a settings file and a key file."`
	Serve   ServeCmd   `cmd:"" help:"Run the portal."`
	Person  PersonCmd  `cmd:"" help:"People: add, list, show, set, invite, disable, enable, sign-out, reset-2fa, release, export, delete."`
	App     AppCmd     `cmd:"" help:"What people sign in to: add, list, show, set, remove, check."`
	Audit   AuditCmd   `cmd:"" help:"The audit log: verify, head, export, tail, prune."`
	Key     KeyCmd     `cmd:"" help:"The keys that seal the database: rotate, status."`
	SMS     SMSCmd     `cmd:"" name:"sms" help:"Text messages: test, status, log, open."`
	Doctor  DoctorCmd  `cmd:"" help:"Look for what is wrong, and say what to do."`
	Backup  BackupCmd  `cmd:"" help:"Write all that the portal has into one file; it may run meanwhile."`
	Restore RestoreCmd `cmd:"" help:"Make the portal again from a backup, in an empty place."`
	Pages   PagesCmd   `cmd:"" help:"Serve every page in every state, with sample data."`
}

// run is what every command gets.
type run struct {
	context.Context
	*Commands
	out, err *os.File
}

// usage is an error in how a command was called: exit 2.
type usage struct{ error }

func main() { os.Exit(program()) }

func program() int {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	defer stop()
	var commands Commands
	parser, err := kong.New(&commands, kong.Name("sallyport"), kong.Description("A second door for everything you run."),
		kong.UsageOnError(), kong.Vars{"version": version()}, kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}))
	if err != nil {
		panic(err)
	}
	parsed, err := parser.Parse(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "sallyport: %v\nhint: sallyport --help\n", err)
		return 2
	}
	err = parsed.Run(&run{Context: ctx, Commands: &commands, out: os.Stdout, err: os.Stderr})
	if err == nil {
		return 0
	}
	text := remedy(err)
	if !strings.Contains(text, "hint: ") { // every failure has one
		text += "\nhint: change that and run the command again"
		if parsed.Command() != "doctor" {
			text += ", or look further with sallyport doctor"
		}
	}
	fmt.Fprintln(os.Stderr, "sallyport: "+printable(text))
	var wrong usage
	if errors.As(err, &wrong) {
		return 2
	}
	return 1
}

// endings are the signals that end a running portal in order: Ctrl-C, SIGTERM,
// and a terminal that closes, unless nohup has said that this does not matter.
func endings() []os.Signal {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}

// remedy puts the hint of an error on a line of its own.
func remedy(err error) string {
	text := err.Error()
	if before, hint, ok := strings.Cut(text, "; hint: "); ok {
		return before + "\nhint: " + hint
	}
	return text
}

// printable is a text for a terminal, which must not obey what strangers call their
// browsers, or what somebody has written into the database.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) || c == '\n' {
			return c
		}
		return '·'
	}, text)
}

// settings reads the settings of a command.
func (r *run) settings() (*config.Config, error) {
	return config.Load(r.Config, os.Environ(), server.ClockVariables...)
}

// core opens the core of a command; it may run beside a portal.
func (r *run) core() (*server.Core, error) {
	c, err := r.settings()
	if err != nil {
		return nil, err
	}
	return server.Open(r, c)
}

// actor names who runs a command, for the audit log.
func actor() string {
	if u, err := user.Current(); err == nil {
		return "cli:" + u.Username
	}
	return "cli:" + fmt.Sprint(os.Getuid())
}
