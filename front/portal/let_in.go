package portal

import (
	"context"
	"net/http"
	"time"

	"sallyport/core/flow"
	"sallyport/core/manage"
)

// LetIn are the apps that somebody lets know who they are.
type LetIn struct {
	List     func(context.Context, *flow.Signed) ([]LetInRow, error)
	Withdraw func(ctx context.Context, s *flow.Signed, id string, by flow.Client) error
}

// LetInRow is one of them.
type LetInRow struct {
	ID, Name string
	Tells    []string // keys of what it is told
	Offline  bool     // it keeps its access after signing out
	Since    time.Time
}

// withdraw takes back what an app may know; it asks for the password only.
func (p *Portal) withdraw(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, func(o manage.Owner) error {
		return p.LetIn.Withdraw(r.Context(), o.Signed, r.PathValue("id"), o.Client)
	})
}
