package grant

import (
	"context"
	"time"
)

// FarewellLife is how long a logout token is worth anything.
const FarewellLife = 2 * time.Minute

// Words make what an app is told of the end of a session.
type Words struct {
	Keeper *Keeper
	Signer *Signer
}

// Farewell is the logout token of a client, and where it is told; no address where
// the app has gone, or wants to hear nothing. It has no nonce, so that it can never
// pass for an ID token (Back-Channel Logout 2.4).
func (w Words) Farewell(ctx context.Context, f Farewell) (address, token string, err error) {
	a := w.Keeper.Client(f.Client)
	if a == nil || a.Client.BackChannel == "" {
		return "", "", nil
	}
	token, err = w.Signer.sign(ctx, a.Client.Algorithm, "logout+jwt", a.ID, f.Person, map[string]any{
		"sid": w.Keeper.Sid(f.Family, f.Client), "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}, FarewellLife)
	return a.Client.BackChannel, token, err
}
