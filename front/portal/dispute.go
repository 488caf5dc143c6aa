package portal

import (
	"net/http"
	"time"

	"sallyport/core/fault"
	"sallyport/core/manage"
	"sallyport/front/web"
)

// byToken is the objection of whoever reads a notice.
func byToken(r *http.Request) manage.Objection { return manage.Objection{Token: r.PathValue("token")} }

func (p *Portal) getNotMe(w http.ResponseWriter, r *http.Request) error {
	return p.showDispute(w, r, byToken(r))
}

func (p *Portal) postNotMe(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	return p.pressDispute(w, r, byToken(r))
}

// getOwnNotMe is the same page for the owner, from an entry of the activity.
func (p *Portal) getOwnNotMe(w http.ResponseWriter, r *http.Request) error {
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	return p.showDispute(w, r, manage.Objection{Link: r.PathValue("link"), Owner: s.Person.ID})
}

func (p *Portal) postOwnNotMe(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.post(r); err != nil {
		return err
	}
	s, err := p.owner(w, r)
	if s == nil {
		return err
	}
	return p.pressDispute(w, r, manage.Objection{Link: r.PathValue("link"), Owner: s.Person.ID})
}

func (p *Portal) showDispute(w http.ResponseWriter, r *http.Request, by manage.Objection) error {
	d, err := p.Manage.Dispute(r.Context(), by)
	if err != nil {
		if fault.Of(err) == nil {
			return p.notMeDown(w, r, by, err)
		}
		return err
	}
	v := &NotMe{Action: r.URL.Path, Event: "dispute." + d.About.Event, At: d.About.At}
	if !d.Reported.IsZero() {
		v.Done, v.Reported = true, d.Reported
	}
	return p.draw(w, r, v)
}

func (p *Portal) pressDispute(w http.ResponseWriter, r *http.Request, by manage.Objection) error {
	before := p.Flow.Now()
	d, err := p.Manage.Press(r.Context(), by, p.client(r))
	if err != nil {
		if fault.Of(err) == nil {
			return p.notMeDown(w, r, by, err)
		}
		return err
	}
	v := &NotMe{Done: true}
	if d.Reported.Before(before.Add(-time.Second)) {
		v.Reported = d.Reported
	}
	return p.draw(w, r, v)
}

// notMeDown is what somebody gets who cannot be helped now: words, and nothing
// that looks as if it were done. What happened is said where that can be read.
func (p *Portal) notMeDown(w http.ResponseWriter, r *http.Request, by manage.Objection, cause error) error {
	p.Log.Error("dispute failed", "request", web.Reference(r), "error", cause)
	v := &NotMe{Action: r.URL.Path}
	if d, err := p.Manage.Dispute(r.Context(), by); err == nil {
		v.Event, v.At = "dispute."+d.About.Event, d.About.At
	}
	return p.again(w, r, fault.New(fault.Outage, "not-me.outage"), v)
}
