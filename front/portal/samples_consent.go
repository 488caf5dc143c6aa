package portal

func (s sampler) consent() []Sample {
	tells := []string{"consent.tells-name", "consent.tells-display", "consent.tells-email", "consent.tells-groups"}
	view := func(tells []string, offline bool) *Consent {
		return &Consent{Frame: s.account(""), App: "Wiki", Action: "/oidc/consent?request=r", Person: samplePerson, Tells: tells, Offline: offline}
	}
	letIn := s.fullSecurity()
	letIn.LetIn = []LetInRow{{ID: "wiki", Name: "Wiki", Tells: tells, Since: s.at(11, 2, 9, 0)}, {ID: "till", Name: "Till", Tells: tells[:1], Offline: true, Since: s.now}}
	return []Sample{
		{"consent", view(tells, false)},
		{"consent-offline", view(tells[:1], true)},
		{"security-let-in", &letIn},
	}
}
