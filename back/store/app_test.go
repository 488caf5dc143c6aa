package store_test

import (
	"testing"

	"sallyport/back/store"
	"sallyport/core/app"
)

// What a program does not know may be what a newer one asks more by.
func TestAnAppThatCannotBeReadKeepsItsIDAlone(t *testing.T) {
	on(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		db := raw(t, o)
		exec1(t, db, `INSERT INTO apps (id, data, version) VALUES ('good', '{"Name":"Good","Groups":["staff"],"Need":{"Factors":"one"},"Addresses":["https://good.example.org"]}', 1)`)
		for id, data := range map[string]string{
			"key":    `{"Name":"Wiki","Groups":["staff"],"Need":{"Factors":"one"},"Networks":["10.0.0.0/8"]}`,
			"need":   `{"Name":"Wiki","Groups":["staff"],"Need":{"Factors":"one","Passkey":true}}`,
			"client": `{"Name":"Wiki","Groups":["staff"],"Need":{"Factors":"one"},"Client":{"DPoP":true}}`,
			"type":   `{"Name":"Wiki","Groups":"everyone"}`,
			"none":   `staff`,
			"more":   `{"Name":"Wiki"} {"Groups":["everyone"]}`,
			"empty":  ``,
		} {
			exec1(t, db, "INSERT INTO apps (id, data, version) VALUES ('"+id+"', '"+data+"', 7)")
		}
		all, err := s.Apps(t.Context())
		if err != nil || len(all) != 8 {
			t.Fatalf("%d apps, %v", len(all), err)
		}
		for _, a := range all {
			if a.ID == "good" {
				if a.Unread != "" || len(a.Check()) > 0 {
					t.Errorf("one with nothing wrong: %s %v", a.Unread, a.Check())
				}
				continue
			}
			if a.Unread == "" || a.Name != "" || a.Groups != nil || a.Client != nil || a.Need != (app.Need{}) || a.Version != 7 || len(a.Check()) != 1 {
				t.Errorf("%s: %+v, told as %v", a.ID, a, a.Check())
			}
		}
	})
}
