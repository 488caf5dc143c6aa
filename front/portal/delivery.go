package portal

import (
	"net/http"
	"time"

	"sallyport/core/flow"
	"sallyport/core/message"
	"sallyport/core/phone"
	"sallyport/front/web"
)

// Arrival is what a page tells of the text message that it waits for.
type Arrival struct {
	Delivery  string        // where the script asks whether the text arrived, or ""
	Delivered time.Duration // how long ago it arrived, or 0
}

// became is what to say of a text that did not go out or arrive as it should, or "".
func became(state message.State) (word string) {
	switch {
	case state == message.Unknown:
		return "text.unknown"
	case state == message.Failed, state == message.Late:
		return "text.outage"
	case state == message.Refused, state == message.OptedOut:
		return "phone.refused"
	case state.Lost():
		return "again.undelivered"
	}
	return ""
}

// arrival adds to a page what is known of the newest text. The script asks on
// while nothing is: had it anything to tell, the page would be loaded again and
// again, and with it the field.
func (p *Portal) arrival(r *http.Request, code phone.TextCode, f *web.Frame, a *Arrival, page string) error {
	msg, err := p.Flow.Delivery(r.Context(), code)
	if err != nil {
		return err
	}
	if msg != nil && msg.State == message.Delivered {
		a.Delivered = p.since(msg)
		return nil
	}
	if msg != nil && became(msg.State) != "" {
		f.Notices = append(f.Notices, p.undelivered(msg.State))
		return nil
	}
	a.Delivery = page + "/state"
	return nil
}

// undelivered is the notice about a text; where its number may be wrong, the page
// adds the link to another.
func (p *Portal) undelivered(state message.State) web.Notice {
	kind := "info"
	if state.Lost() {
		kind = "warning"
	}
	return web.Notice{Kind: kind, Text: p.Site.Say(became(state)), Role: "status"}
}

// otherNumber adds the link to another number to a notice that asks to check it.
func otherNumber(notices []web.Notice, href string) {
	for i := range notices {
		if notices[i].Kind == "warning" && notices[i].Link.Href == "" {
			notices[i].Link = web.Link{Href: href, Words: "button.other-number"}
		}
	}
}

// since is how long ago a text arrived, as far as its gateway told.
func (p *Portal) since(m *message.Message) time.Duration {
	return max(time.Second, p.Now().Sub(m.ToldAt).Truncate(time.Second))
}

// state tells the script what became of the newest text of a code.
func (p *Portal) state(w http.ResponseWriter, r *http.Request, code phone.TextCode) error {
	msg, err := p.Flow.Delivery(r.Context(), code)
	if err != nil {
		return err
	}
	state, text := "waiting", ""
	switch {
	case msg == nil:
	case msg.State == message.Delivered:
		state, text = "delivered", p.Site.Plain("again.delivered", "length", p.since(msg))
	case became(msg.State) != "":
		state, text = "failed", p.Site.Plain(became(msg.State))
	}
	return web.JSON(w, map[string]string{"state": state, "text": text})
}

// setupState is that of the set-up's code.
func (p *Portal) setupState(w http.ResponseWriter, r *http.Request) error {
	u, err := p.look(r)
	if err != nil {
		return err
	}
	if u == nil || u.Over != "" || u.Setup == nil {
		return web.StatusError(http.StatusNotFound)
	}
	return p.state(w, r, u.Setup.Data.Text)
}

// textState is that of the code on the way back in.
func (p *Portal) textState(w http.ResponseWriter, r *http.Request) error {
	u, err := p.look(r)
	if err != nil {
		return err
	}
	if u == nil || u.Over != "" || u.Attempt.Data.TextCode.Digits == "" {
		return web.StatusError(http.StatusNotFound)
	}
	return p.state(w, r, u.Attempt.Data.TextCode)
}

// changeState is that of the code to a new number.
func (p *Portal) changeState(w http.ResponseWriter, r *http.Request) error {
	c, err := p.Flow.Change(r.Context(), p.Cookie(r, "session"), flow.SetupNumber)
	if err != nil {
		return p.unconfirmed(w, r, err, nil)
	}
	if c.Setup == nil {
		return web.StatusError(http.StatusNotFound)
	}
	return p.state(w, r, c.Setup.Data.Text)
}
