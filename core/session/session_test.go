package session

import (
	"reflect"
	"testing"
	"time"

	"sallyport/core/policy"
)

var now = time.Date(2026, 11, 23, 14, 32, 0, 0, time.UTC)

func TestIssueRefusesLessThanIsNeeded(t *testing.T) {
	two := policy.Need{Known: true, Factor: true}
	one := policy.Need{Known: true, Factor: true, OneFactor: true}
	for _, row := range []struct {
		about  string
		proved Proved
		need   policy.Need
		level  Level
		method string
	}{
		{"nothing proved", Proved{}, two, 0, ""},
		{"nothing proved where one factor is enough", Proved{}, one, 0, ""},
		{"a factor without a password", Proved{Factor: "app"}, two, 0, ""},
		{"a factor without a password where one is enough", Proved{Factor: "app"}, one, 0, ""},
		{"the password alone", Proved{Password: true}, two, 0, ""},
		{"both, but the policy has not looked", Proved{Password: true, Factor: "app"}, policy.Need{}, 0, ""},
		{"both, but the policy has not looked at anything", Proved{Password: true, Factor: "app"}, policy.Need{Factor: true, OneFactor: true}, 0, ""},
		{"the password alone, of a need that asks for nothing", Proved{Password: true}, policy.Need{Known: true}, 0, ""},
		{"the password alone where one factor is enough", Proved{Password: true}, one, One, ""},
		{"both", Proved{Password: true, Factor: "app"}, two, Two, "app"},
		{"both where one factor is enough", Proved{Password: true, Factor: "recovery"}, one, Two, "recovery"},
	} {
		// What the row says of itself counts for nothing.
		s, err := Issue(row.proved, row.need, Row{ID: "x", Person: "ada", Level: Two, Method: "app"})
		if (err == nil) != (row.level != 0) || s.Proven() != row.level {
			t.Errorf("%s: level %d, %v", row.about, s.Proven(), err)
			continue
		}
		if err != nil {
			if !reflect.DeepEqual(s, Session{}) {
				t.Errorf("%s: refused, with %+v", row.about, s)
			}
			continue
		}
		if s.Level != row.level || s.Method != row.method || s.ID != "x" || s.Person != "ada" {
			t.Errorf("%s: %+v", row.about, s)
		}
	}
}

func TestASessionMadeInAnyOtherWayProvesNothing(t *testing.T) {
	full := Row{ID: "x", Person: "ada", Level: Two, Method: "app", SeenAt: now, EndsAt: now.Add(time.Hour), ConfirmedAt: now}
	for about, s := range map[string]Session{"zero": {}, "a row with everything in it": {Row: full}} {
		if s.Proven() != 0 || s.Over(now, Times{Idle: time.Hour}) != EndedUnknown {
			t.Errorf("%s: level %d, over %q", about, s.Proven(), s.Over(now, Times{Idle: time.Hour}))
		}
	}
	if s := Stored(full); s.Proven() != Two || s.Over(now, Times{Idle: time.Hour}) != "" {
		t.Errorf("stored: level %d, over %q", s.Proven(), s.Over(now, Times{Idle: time.Hour}))
	}
	if s := Stored(Row{}); s.Proven() != 0 {
		t.Errorf("an empty row proves level %d", s.Proven())
	}
}

func TestWhenASessionIsOver(t *testing.T) {
	times := Times{Idle: time.Hour, Length: 12 * time.Hour}
	for _, row := range []struct {
		about string
		row   Row
		want  string
	}{
		{"just begun", Row{SeenAt: now, EndsAt: now.Add(12 * time.Hour)}, ""},
		{"a moment before it idles out", Row{SeenAt: now.Add(-time.Hour + 1), EndsAt: now.Add(time.Hour)}, ""},
		{"idled out", Row{SeenAt: now.Add(-time.Hour), EndsAt: now.Add(time.Hour)}, EndedByIdling},
		{"a moment before its end", Row{SeenAt: now, EndsAt: now.Add(1)}, ""},
		{"at its end", Row{SeenAt: now, EndsAt: now}, EndedByTime},
		{"idled out and past its end: the end is told, no password goes on", Row{SeenAt: now.Add(-2 * time.Hour), EndsAt: now.Add(-time.Minute)}, EndedByTime},
		{"ended", Row{SeenAt: now, EndsAt: now.Add(time.Hour), EndedAt: now.Add(-time.Minute), EndedWhy: EndedByDispute}, EndedByDispute},
		{"ended, and past its end: why it ended is told", Row{SeenAt: now, EndsAt: now.Add(-time.Hour), EndedAt: now.Add(-2 * time.Hour), EndedWhy: EndedElsewhere}, EndedElsewhere},
		{"ended by a clock that was ahead", Row{SeenAt: now, EndsAt: now.Add(time.Hour), EndedAt: now.Add(time.Minute), EndedWhy: EndedByOwner}, EndedByOwner},
		{"without an end", Row{SeenAt: now}, EndedByTime},
		{"never seen", Row{EndsAt: now.Add(time.Hour)}, EndedByIdling},
		{"seen by a clock that was ahead", Row{SeenAt: now.Add(time.Minute), EndsAt: now.Add(time.Hour)}, ""},
	} {
		row.row.Level = Two
		if got := Stored(row.row).Over(now, times); got != row.want {
			t.Errorf("%s: %q, want %q", row.about, got, row.want)
		}
	}
	if got := Stored(Row{Level: Two, SeenAt: now, EndsAt: now.Add(time.Hour)}).Over(now, Times{}); got != EndedByIdling {
		t.Errorf("without limits: %q", got)
	}
}

func TestAConfirmationLastsFiveMinutes(t *testing.T) {
	for _, row := range []struct {
		about           string
		row             Row
		both, passwords bool
	}{
		{"never", Row{Level: Two}, false, false},
		{"now", Row{Level: Two, ConfirmedAt: now}, true, true},
		{"a moment before five minutes", Row{Level: Two, ConfirmedAt: now.Add(-Fresh + 1)}, true, true},
		{"five minutes ago", Row{Level: Two, ConfirmedAt: now.Add(-Fresh)}, false, false},
		{"the clock went back: in the future is no confirmation", Row{Level: Two, ConfirmedAt: now.Add(1)}, false, false},
		{"the clock went back far", Row{Level: Two, ConfirmedAt: now.Add(time.Hour), PasswordAt: now.Add(time.Hour)}, false, false},
		{"at level one nothing is confirmed", Row{Level: One, ConfirmedAt: now}, false, false},
		{"the password alone", Row{Level: Two, PasswordAt: now}, false, true},
		{"the password alone at level one", Row{Level: One, PasswordAt: now}, false, true},
		{"the password four minutes ago, both ten", Row{Level: Two, PasswordAt: now.Add(-4 * time.Minute), ConfirmedAt: now.Add(-10 * time.Minute)}, false, true},
		{"the password five minutes ago", Row{Level: Two, PasswordAt: now.Add(-Fresh)}, false, false},
		{"the password in the future", Row{Level: Two, PasswordAt: now.Add(1)}, false, false},
	} {
		s := Stored(row.row)
		if s.Confirmed(now) != row.both || s.PasswordConfirmed(now) != row.passwords {
			t.Errorf("%s: both %v, password %v", row.about, s.Confirmed(now), s.PasswordConfirmed(now))
		}
	}
}

func TestTheFiguresOfKnownBrowsers(t *testing.T) {
	if KnownFor != 180*24*time.Hour || KnownPerPerson != 10 || KnownPerCookie != 5 || Fresh != 5*time.Minute {
		t.Error(KnownFor, KnownPerPerson, KnownPerCookie, Fresh)
	}
}
