package flow

import (
	"time"

	"sallyport/core/change"
)

// RecoveryOpen is how long a recovery can be used once its delay has passed.
const RecoveryOpen = 72 * time.Hour

// Recovery is a text message proof whose delay has to pass before anything new
// is bound. It belongs to the person and the number, not to an attempt.
type Recovery struct {
	ID      string
	Person  string
	Phone   string // the number's row: a changed number cancels
	AskedAt time.Time
	OpenAt  time.Time
	Until   time.Time
	EndedAt time.Time
	Ended   string // used, app-code, changed, disputed, restored
}

// The states of a recovery.
const (
	RecoveryWaits     = "waiting"
	RecoveryIsOpen    = "open"
	RecoveryCancelled = "cancelled"
	RecoveryLapsed    = "lapsed"
	RecoveryUsed      = "used"
)

// Why a recovery ended.
const (
	ByUse     = "used"
	ByAppCode = "app-code"
	ByChange  = "changed"
	ByDispute = "disputed"
	// ByRestoring: the portal was made again from a backup, of a moment after which
	// somebody may have cancelled it.
	ByRestoring = "restored"
)

// State says how a recovery stands at now.
func (r Recovery) State(now time.Time) string {
	switch {
	case r.Ended == ByUse:
		return RecoveryUsed
	case !r.EndedAt.IsZero():
		return RecoveryCancelled
	case now.Before(r.OpenAt):
		return RecoveryWaits
	case now.Before(r.Until):
		return RecoveryIsOpen
	}
	return RecoveryLapsed
}

// Alive says whether the recovery waits or is open.
func (r *Recovery) Alive(now time.Time) bool {
	if r == nil {
		return false
	}
	state := r.State(now)
	return state == RecoveryWaits || state == RecoveryIsOpen
}

// RecoveryAsked stores a recovery. The condition: the person has none alive.
type RecoveryAsked struct {
	change.Mark
	Recovery Recovery
}

// RecoveryEnded ends the person's recovery that is alive. It has no condition.
type RecoveryEnded struct {
	change.Mark
	Person, Why string
	At          time.Time
}
