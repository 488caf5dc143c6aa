package server

import (
	"context"
	"slices"

	"sallyport/core/flow"
	"sallyport/core/grant"
	"sallyport/front/gate"
	"sallyport/front/oidc"
	"sallyport/front/portal"
	"sallyport/front/web"
)

// letIn are the apps that somebody lets know who they are.
func (s *Server) letIn() portal.LetIn {
	return portal.LetIn{Withdraw: s.core.Grants.Withdraw, List: func(ctx context.Context, who *flow.Signed) (rows []portal.LetInRow, err error) {
		all, err := s.core.Store.Consents(ctx, who.Person.ID)
		for _, c := range all {
			row := portal.LetInRow{ID: c.Client, Name: c.Client, Since: c.MadeAt, Offline: slices.Contains(c.Scopes, grant.ScopeOffline)}
			if a := s.core.Grants.Client(c.Client); a != nil {
				row.Name, row.Tells = a.Name, oidc.Tells(a, c.Scopes)
			}
			rows = append(rows, row)
		}
		return rows, err
	}}
}

// oidc answers for OpenID Connect; its two questions are pages of the portal.
func (s *Server) oidc(kit *web.Kit, p *portal.Portal, g *gate.Gate) *oidc.Provider {
	return &oidc.Provider{Kit: kit, Flow: s.core.Flow, Grants: s.core.Grants, Signer: s.core.Signer, Client: p.Client, Ended: g.EndShared, Pages: oidc.Pages{
		Consent: func(q oidc.Question) web.View {
			v := &portal.Consent{App: q.App, Action: q.Action, Person: q.Person, Tells: q.Tells, Offline: q.Offline}
			p.Framed(&v.Frame, q.Signed)
			return v
		},
		SignOut: func(action string) web.View {
			return &portal.Question{Title: "confirm.sign-out-title", Button: "button.sign-out", Action: action, Cancel: "/"}
		}}}
}
