package portal

import (
	"time"

	"sallyport/core/fault"
	"sallyport/front/web"
)

func (s sampler) security() []Sample {
	plain := s.fullSecurity()
	with := func(change func(*Security)) *Security {
		v := plain
		change(&v)
		return &v
	}
	rename := func(typed string, faults ...*fault.Fault) *Security {
		return with(func(v *Security) {
			v.Frame = s.wrong(v.Frame, faults...)
			v.Apps = append([]AppRow{}, plain.Apps...)
			v.Apps[1].Renaming, v.Apps[1].Typed = true, typed
		})
	}
	few := with(func(v *Security) {
		v.Frame, v.Codes.Left = s.say(v.Frame, "warning", "recovery-code.left", "n", 3), 3
		v.Notices[0].Link = web.Link{Href: "/account/codes/new", Words: "recovery-code.make"}
	})
	ending := with(func(v *Security) { v.Ending = &web.Ending{Idle: 3600, Hard: 43200, Stay: "/account/stay"} })
	return []Sample{
		{"security", &plain},
		{"security-unsaved", with(func(v *Security) { v.Unsaved, v.Codes = true, CodesRow{Unsaved: true} })},
		{"security-few-codes", few},
		{"security-many-codes", with(func(v *Security) { v.Codes.Left = 7 })},
		{"security-held-number", with(func(v *Security) { v.Number.Changed, v.Number.From = s.now, s.at(11, 26, 14, 32) })},
		{"security-no-number", with(func(v *Security) { v.Number = NumberRow{} })},
		{"security-no-code", with(func(v *Security) { v.NoCode = s.at(11, 22, 14, 2) })},
		{"security-level-one", &Security{Frame: s.account(""), Now: s.now, LevelOne: true}},
		{"security-new", with(func(v *Security) {
			v.Apps = []AppRow{{ID: "1", Name: "Phone app", Added: s.now}, {ID: "2", Name: "Tablet", Added: s.now, Used: s.at(11, 22, 8, 0)}}
			v.Browsers, v.Skips, v.Events = plain.Browsers[:1], nil, nil
		})},
		{"security-rename", rename("Tablet")},
		{"security-rename-empty", rename("", invalid("name", "app-name.empty"))},
		{"security-rename-unseen", rename("Tab\u200blet", invalid("name", "app-name.unseen"))},
		{"security-rename-address", rename("www.example.org", invalid("name", "app-name.address"))},
		{"security-rename-long", rename("A name that is longer than forty characters", invalid("name", "app-name.long", "n", 43))},
		{"security-ending", ending},
	}
}

func (s sampler) fullSecurity() Security {
	const firefox, chrome, safari = "Firefox on Linux", "Chrome on Windows", "Safari on iPhone"
	return Security{
		Frame: s.account(""), Now: s.now, TwoFactor: true, AddApp: true, HasNumber: true, HasMail: true, TurnOff: true,
		Mail: MailRow{Address: "a•••@example.org"},
		Apps: []AppRow{
			{ID: "1", Name: "Phone app", Added: s.now, Used: s.now},
			{ID: "2", Name: "Tablet", Added: time.Date(2025, 12, 2, 9, 0, 0, 0, time.UTC), Used: s.at(11, 14, 9, 0)},
		},
		Number:   NumberRow{Ending: sampleEnding, Checked: s.now, Removable: true},
		Password: s.now,
		Codes:    CodesRow{Left: 2, Made: s.now},
		Browsers: []BrowserRow{
			{ID: "a", Name: firefox, Place: "Leeds", Active: s.now, This: true, Known: true},
			{ID: "b", Name: chrome, Place: "Leeds", Active: s.now.Add(-140 * time.Minute)},
			{ID: "c", Name: safari, From: "192.0.2.44", Active: s.at(11, 22, 14, 0)},
			{ID: "e", Name: "Edge on Windows", From: "192.0.2.44", Active: s.at(11, 20, 14, 0)},
			{ID: "f", Name: "Chrome on Android", Active: s.now.Add(-20 * time.Minute)},
			{ID: "d", Name: "Firefox on Windows", Active: s.at(11, 2, 8, 47), Out: true},
		},
		Skips: []SkipRow{{ID: "s", Name: chrome, Until: s.at(12, 12, 0, 0)}},
		Events: []EventRow{
			{At: s.at(11, 23, 14, 32), What: "activity.signed-in.app", Browser: firefox},
			{At: s.at(11, 23, 12, 10), What: "activity.signed-in.app", Browser: chrome},
			{At: s.at(11, 23, 12, 9), What: "activity.code-wrong.app", Reason: "clock 4 minutes slow", Browser: chrome},
			{At: s.at(11, 22, 14, 2), What: "activity.password-right", Browser: s.site.Plain("activity.unknown-browser")},
			{At: s.at(11, 21, 8, 55), What: "activity.signed-in.recovery", Browser: safari},
			{At: s.at(11, 9, 10, 3), What: "activity.number-proved"},
			{At: s.at(11, 9, 10, 1), What: "activity.number-changed"},
		},
	}
}

// notices are the account page after each change.
func (s sampler) notices() (all []Sample) {
	for _, row := range []struct {
		name, kind, key string
		args            []any
	}{
		{"finished", "done", "security.finished", []any{"n", 10}},
		{"app-on", "done", "security.app-on", nil},
		{"app-added", "done", "security.app-added", nil},
		{"app-removed", "done", "security.app-removed", []any{"name", "Tablet"}},
		{"app-renamed", "done", "security.app-renamed", []any{"name", "Work tablet"}},
		{"apps-full", "info", "apps.full", nil},
		{"apps-last", "info", "apps.last", nil},
		{"phone-last", "info", "phone.last", nil},
		{"number-changed", "done", "security.number-changed", nil},
		{"number-changed-from", "done", "security.number-changed-from", []any{"when", s.at(11, 26, 14, 32)}},
		{"number-removed", "done", "security.number-removed", nil},
		{"password-new", "done", "security.password-new", nil},
		{"mail-removed", "done", "security.mail-removed", nil},
		{"mail-last", "info", "mail.last", nil},
		{"signed-out", "done", "security.signed-out", []any{"browser", "Chrome on Windows"}},
		{"forgotten", "done", "security.forgotten", []any{"browser", "Firefox on Windows"}},
		{"turned-off", "done", "security.turned-off", nil},
		{"removed-already", "info", "removed-already", nil},
	} {
		v := s.fullSecurity()
		v.Frame = s.say(v.Frame, row.kind, row.key, row.args...)
		all = append(all, Sample{"security-notice-" + row.name, &v})
	}
	return all
}

func (s sampler) activity() []Sample {
	const firefox = "Firefox on Linux"
	days := []ActivityDay{
		{Date: s.now, Events: []EventRow{
			{At: s.at(11, 23, 14, 32), What: "activity.signed-in.app", Browser: firefox, Place: "Leeds"},
			{At: s.at(11, 23, 12, 12), What: "activity.number-changed", Browser: firefox, Place: "Leeds", NotMe: "/account/activity/n1/not-me"},
			{At: s.at(11, 23, 12, 9), What: "activity.code-wrong.app", Reason: "clock 4 minutes slow", Browser: "Chrome on Windows", Place: "Leeds"},
		}},
		{Date: s.at(11, 22, 0, 0), Events: []EventRow{
			{At: s.at(11, 22, 14, 2), What: "activity.password-right", Browser: s.site.Plain("activity.unknown-browser")},
			{At: s.at(11, 22, 9, 14), What: "activity.signed-out", Browser: "Edge on Windows"},
		}},
	}
	return []Sample{
		{"activity", &Activity{Frame: s.account(""), Zone: "UTC", Days: days, Newer: "/account/activity", Older: "/account/activity?page=3"}},
		{"activity-words", &Activity{Frame: s.account(""), Zone: "UTC", Days: []ActivityDay{{Date: s.now, Events: s.everyEvent()}}}},
		{"activity-empty", &Activity{Frame: s.account(""), Zone: "UTC"}},
	}
}

// everyEvent is one entry of each sort, so that all their words are seen.
func (s sampler) everyEvent() (rows []EventRow) {
	for _, what := range []string{
		"password-right", "password-wrong", "signed-in", "signed-in.app", "signed-in.recovery", "signed-in.text", "signed-in.password",
		"signed-out", "sessions-ended", "code-wrong", "code-wrong.app", "code-wrong.text", "code-wrong.recovery", "code-wrong.setup-code",
		"set-up", "set-up-later", "app-added", "app-replaced", "app-removed", "app-renamed", "app-ended", "two-factor-off", "text-sent",
		"number-proved", "number-changed", "number-removed", "recovery-begun", "recovery-waiting", "recovery-done", "recovery-stopped",
		"recovery-code-used", "codes-made", "codes-saved", "password-set", "password-changed", "confirmed", "setup-code-used",
		"browser-forgotten", "disputed", "released", "person-added", "person-changed", "person-exported", "person-deleted", "person-disabled", "person-enabled",
		"invited", "two-factor-reset", "limited", "limited.password", "limited.lane", "password-asked", "password-reset", "mail-asked",
		"mail-changed", "mail-removed", "texts-stopped", "texts-opened", "restored", "guarded-app-added", "guarded-app-changed", "guarded-app-removed", "key-rotated", "audit-exported", "audit-pruned",
		"app-entered", "consent-given", "consent-withdrawn", "code-reused", "refresh-reused",
	} {
		rows = append(rows, EventRow{At: s.now, What: "activity." + what, Browser: "Firefox on Linux"})
	}
	return rows
}

func (s sampler) confirm() []Sample {
	ask := func(change string, faults ...*fault.Fault) *Confirm {
		return &Confirm{Frame: s.wrong(s.account("/account/security"), faults...), Action: "/confirm", Change: "change." + change,
			Switch: "/confirm?with=recovery", Cancel: "/account/security"}
	}
	recovery, password, busy := ask("codes"), ask("sign-out"), ask("number")
	recovery.Recovery, recovery.Switch = true, "/confirm"
	password.PasswordOnly = true
	busy.Frame = s.say(busy.Frame, "warning", "busy")
	all := []Sample{
		{"confirm-recovery", recovery},
		{"confirm-password", password},
		{"confirm-wrong-password", ask("number", invalid("password", "confirm.password"))},
		{"confirm-wrong-code", ask("number", invalid("code", "app-code.wrong", "name", sampleName))},
		{"confirm-busy", busy},
	}
	for _, change := range []string{"number", "add-number", "remove-number", "rename-app", "replace-app", "remove-app", "add-app",
		"password", "mail", "remove-mail", "codes", "sign-out", "sign-out-all", "forget", "turn-off"} {
		all = append(all, Sample{"confirm-to-" + change, ask(change)})
	}
	return append(all, s.questions()...)
}

func (s sampler) questions() []Sample {
	const cancel = "/account/security"
	codes := Question{Frame: s.account(""), Title: "confirm.codes-title", Text: "confirm.codes", Count: 7, Button: "button.make-codes",
		Action: "/account/codes/new", Cancel: cancel}
	one := codes
	one.Count = 1
	return []Sample{
		{"confirm-codes", &codes},
		{"confirm-code", &one},
		{"confirm-turn-off", &Question{Frame: s.account(""), Title: "confirm.off-title", Text: "confirm.off", Button: "security.turn-off",
			Action: "/account/2fa/off", Danger: true, Cancel: cancel}},
		{"confirm-remove-app", &Question{Frame: s.account(""), Title: "confirm.remove-title", Text: "confirm.remove", Args: []any{"name", "Tablet"},
			Button: "button.remove", Action: "/account/apps/2/remove", Danger: true, Cancel: cancel}},
		{"confirm-remove-number", &Question{Frame: s.account(""), Title: "confirm.number-title", Text: "confirm.number",
			Button: "security.remove-number", Action: "/account/phone/remove", Danger: true, Cancel: cancel}},
		{"confirm-start-again", &Question{Frame: s.begun(""), Title: "confirm.restart-title", Text: "confirm.restart",
			Button: "button.start-again", Action: "/2fa/start/again", Cancel: "/2fa/start"}},
		{"confirm-sign-out", &Question{Frame: s.account(""), Title: "confirm.sign-out-title", Button: "button.sign-out", Action: "/sign-out", Cancel: "/"}},
	}
}

func (s sampler) disputes() []Sample {
	ask := func(event string) *NotMe {
		return &NotMe{Frame: s.frame(), Action: "/not-me/sample", Event: "dispute." + event, At: s.now}
	}
	done, before, outage := ask("number-changed"), ask("number-changed"), ask("number-changed")
	done.Done = true
	before.Done, before.Reported = true, s.at(11, 23, 15, 2)
	outage.Frame, outage.At = s.say(outage.Frame, "warning", "not-me.outage"), time.Time{}
	all := []Sample{
		{"not-me", ask("number-changed")},
		{"not-me-done", done},
		{"not-me-reported", before},
		{"not-me-outage", outage},
		{"not-me-too-many", &Error{Frame: s.frame(), Kind: ErrorGone, Text: s.site.Say("not-me.too-many")}},
		{"held", &Held{s.frame()}},
	}
	for _, event := range []string{"set-up", "app-added", "app-replaced", "app-removed", "two-factor-off", "number-removed",
		"recovery-begun", "recovery-waiting", "recovery-done", "recovery-code", "codes-made", "password-changed", "password-reset", "mail-changed", "reset"} {
		all = append(all, Sample{"not-me-" + event, ask(event)})
	}
	return all
}
