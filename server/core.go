// Package server is the one place that joins front, core and back: it opens the
// core for commands, and runs listeners and workers for the portal.
package server

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"sallyport/back/seal"
	"sallyport/back/store"
	"sallyport/config"
	"sallyport/core/door"
	"sallyport/core/flow"
	"sallyport/core/grant"
	"sallyport/core/manage"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/policy"
	"sallyport/front/web"
)

// Core is the joined core without listeners: what commands need.
type Core struct {
	Config *config.Config
	Store  *store.Store
	Flow   *flow.Machine
	Manage *manage.Manager
	Hasher *person.Queue
	Apps   *Apps
	Doors  *door.Keeper
	Grants *grant.Keeper
	Signer *grant.Signer
	Now    func() time.Time
}

// Open opens database and keys and joins the core on top of them.
func Open(ctx context.Context, c *config.Config) (*Core, error) {
	return open(ctx, c, nil, nil)
}

// open joins the core; with metrics it is counted. Tests open the store in other ways.
func open(ctx context.Context, c *config.Config, keys *seal.KeyFile, m *metrics, ways ...func(*store.Options)) (*Core, error) {
	var err error
	if keys == nil {
		if keys, err = seal.ReadKeyFile(c.KeyFile); err != nil {
			return nil, err
		}
	}
	params := person.Params{MemoryKiB: uint32(c.Hashing.Memory), Time: uint32(c.Hashing.Time), Threads: uint8(c.Hashing.Threads)}
	if err := params.Check(); err != nil {
		return nil, fmt.Errorf("hashing: %w", err)
	}
	options := store.Options{Folder: c.Data, Postgres: c.Database.Reveal(), Keys: keys, Now: clock,
		KeysAgain: func() (*seal.KeyFile, error) { return seal.ReadKeyFile(c.KeyFile) }}
	if m != nil {
		options.Observer = m
	} else {
		options.Command = true
	}
	for _, way := range ways {
		way(&options)
	}
	db, err := store.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	core := &Core{Config: c, Store: db, Now: clock, Hasher: person.NewQueue(parallel(c))}
	core.Flow = &flow.Machine{People: db, History: db, Attempts: db, Sessions: db, Changes: db, Secrets: db, Hasher: core.Hasher, Params: params,
		Policy: rules(c), Numbers: numbers(c), Context: []string{c.Name, c.AppName(), c.Hostname()}, AppName: c.AppName(), Now: clock}
	if core.Apps, err = newApps(c, db); err != nil {
		return nil, closing(core, err)
	}
	core.Doors = &door.Keeper{Flow: core.Flow, Apps: core.Apps}
	core.Grants = &grant.Keeper{Flow: core.Flow, Apps: core.Apps, Read: db}
	core.Signer = &grant.Signer{Issuer: c.URL, Store: db, Changes: db, Now: clock}
	core.Flow.Writer = writer(c, core.Flow.LinkID)
	if err := core.Flow.Writer.Check(); err != nil {
		return nil, fmt.Errorf("%w", closing(core, err))
	}
	if m != nil {
		m.join(core)
	}
	core.Manage = &manage.Manager{People: db, Apps: core.Apps, Changes: db, Flow: core.Flow, Writer: core.Flow.Writer, Now: clock}
	return core, nil
}

func closing(c *Core, err error) error {
	c.Close()
	return err
}

// Close lets what is under way end and closes the database.
func (c *Core) Close() error {
	if c.Flow != nil {
		c.Flow.Wait()
	}
	if c.Manage != nil {
		c.Manage.Wait()
	}
	return c.Store.Close()
}

func parallel(c *config.Config) int {
	if c.Hashing.Parallel > 0 {
		return c.Hashing.Parallel
	}
	return max(2, runtime.GOMAXPROCS(0))
}

// rules turns the settings into the policy.
func rules(c *config.Config) policy.Policy {
	p := c.Policy
	return policy.Policy{
		Optional:          p.Require == config.Optional,
		GraceDays:         p.GraceDays,
		Enrol:             policy.Enrol(p.Enrol),
		NoPhone:           p.Phone == config.Off,
		PhoneOptional:     p.Phone == config.Optional,
		NoTextRecovery:    !p.RecoveryText,
		DelayPeople:       p.RecoveryDelayPeople,
		DelayOperators:    p.RecoveryDelayOperators,
		NoResetCode:       !p.ResetCode,
		Idle:              p.SessionIdle,
		Length:            p.SessionLength,
		BlockInternet:     p.BlockInternetNumbers,
		MailedPasswordLag: 24 * time.Hour,
	}
}

// numbers is which numbers texts may go to. The drama range is allowed only where
// no text can ever leave.
func numbers(c *config.Config) phone.Rules {
	return phone.Rules{Countries: c.Countries(), BlockInternet: c.Policy.BlockInternetNumbers, TestNumbers: c.OnlyOutbox()}
}

func writer(c *config.Config, hash func(string) string) message.Writer {
	return message.Writer{Title: c.Name, Help: help(c), NoMail: c.Mail.Server == "", Name: c.SMSName(), URL: c.URL, Host: c.Hostname(), Origin: c.HTTPS() && c.Host() == c.Hostname(),
		HelpPhone: c.Brand.HelpPhone, Zone: c.Location(), Hash: hash, NoText: len(c.SMS.Gateways) == 0, Prices: prices(c)}
}

// help is whom to ask, in words, as pages say it too.
func help(c *config.Config) string {
	return web.Help{Text: c.Brand.HelpText, URL: c.Brand.HelpURL, Phone: c.Brand.HelpPhone}.Words(c.Name)
}

func prices(c *config.Config) message.Prices {
	of, others := c.Price()
	return message.Prices{Currency: c.SMS.Currency, Of: of, Others: others, Day: int64(c.SMS.BudgetDay) * 1_000_000}
}
