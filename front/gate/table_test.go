package gate

import (
	"crypto/sha256"
	"net/http"
	"testing"
	"time"

	"sallyport/core/app"
	"sallyport/core/app/cases"
	"sallyport/core/door"
	"sallyport/core/person"
)

// The gate answers as Judge does: nothing of what a proxy says is lost or read anew on
// the way.
func TestTheGateAnswersAsTheTableSays(t *testing.T) {
	table, err := cases.Read()
	if err != nil {
		t.Fatal(err)
	}
	var list []app.App
	for _, a := range table.Apps {
		list = append(list, *a)
	}
	book, faults := app.NewBook(list, nil)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	g, m := stand(t)
	g.Doors.Apps = apps{book}
	g.Doors.Flow.Policy.Optional = true // else no session of one factor lives
	var checked app.Answer
	g.Checked = func(a app.Answer) { checked = a }
	for _, c := range table.Cases {
		host, cookie := c.App.ID+".example.org", ""
		if c.Level != 0 {
			s := c.Session(now)
			m.doors[sha256.Sum256([]byte("door"))] = g.Doors.Hold(door.Pass{Door: door.Door{Family: s.Family, Person: c.Person, Origin: "https://" + host, EndsAt: now.Add(time.Hour)},
				Session: s, Person: person.Person{ID: c.Person, Name: c.Person, Groups: c.Groups}}, now)
			cookie = "__Host-sallyport=door"
		}
		place := c.Place
		if place == (app.Place{}) {
			place = app.Place{Method: "GET", URI: "/"} // no rule of the table is for it
		}
		checked = 0
		got := answered(g, ask(place.Method, host, place.URI, cookie))
		if checked.String() != c.Answer {
			t.Errorf("%s: %s; want %s", c, checked, c.Answer)
		}
		if (got.StatusCode == http.StatusOK) != (c.Answer == "allow") {
			t.Errorf("%s: %d for %s", c, got.StatusCode, c.Answer)
		}
		who := c.Person
		if rule := c.App.Judge(place, app.Standing{}, now); rule.Answer == app.Allow && c.App.Judge(app.Place{}, app.StandingOf(c.Session(now), c.Groups), now).Answer != app.Allow {
			who = "" // on an open path, somebody who could not enter the app
		}
		if got.StatusCode == http.StatusOK && got.Header.Get("Remote-User") != who {
			t.Errorf("%s: the app is told of %q", c, got.Header.Get("Remote-User"))
		}
	}
}
