package server

import (
	"context"
	"log/slog"
	"sync"

	"sallyport/back/sms"
)

// SendTexts sends what waits in the outbox until ctx ends, as a running portal
// does: for a command that finds none. Receipts do not come in there, but for
// those of a gateway that this process itself connects to.
func (c *Core) SendTexts(ctx context.Context) error {
	log := slog.New(slog.DiscardHandler) // the command shows what became of its text
	ways, err := gateways(c.Config, c.Now, log, nil, sms.NewReceiver(c.Store, c.Now, nil).Take)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, g := range ways {
		if w, ok := g.(interface{ Run(context.Context) }); ok {
			wg.Go(func() { w.Run(ctx) })
		}
	}
	sender := &sms.Sender{Queue: c.Store, Routes: sms.NewRoutes(ways, first(c.Config), log), Now: c.Now, Log: log}
	sender.Run(ctx)
	return nil
}
