package store

import (
	"context"

	"sallyport/back/database"
	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

// Standing is all that stands of a person, read at once: by itself each of these
// questions is small, and there are as many of them with every click.
func (s *Store) Standing(ctx context.Context, of flow.Subject) (flow.Standing, error) {
	var people []person.Person
	var factors []factor.Factor
	var phones []phone.Phone
	var recoveries []flow.Recovery
	var setups []flow.Setup
	var known []session.KnownBrowser
	var limits map[string]limit.State
	err := s.ask(ctx, func() []database.Question {
		people, factors, phones, recoveries, setups, known, limits = nil, nil, nil, nil, nil, nil, map[string]limit.State{}
		all := []database.Question{into(&people, s.scanPerson, personByID, of.Person), into(&factors, s.scanFactor, factorsOf, of.Person),
			into(&phones, s.scanPhone, phonesOf, of.Person), into(&recoveries, scanRecovery, recoveryOf, of.Person)}
		if of.Setup != "" {
			all = append(all, into(&setups, s.scanSetup, setupByID, of.Setup))
		}
		if of.Known != "" {
			all = append(all, into(&known, scanKnown, knownByToken, of.Known, of.Person))
		}
		if len(of.Limits) > 0 {
			all = append(all, limitsByKey(limits, of.Limits))
		}
		return all
	})
	if err != nil || len(people) == 0 {
		return flow.Standing{}, err
	}
	st := flow.Standing{Person: &people[0], Factors: factors, Phones: phones, Limits: limits}
	st.Recovery, _ = first(recoveries, nil)
	st.Setup, _ = first(setups, nil)
	st.Known, _ = first(known, nil)
	return st, nil
}
