package phone

import (
	"testing"
	"time"
)

func TestANumberThatReplacesAnotherWaitsThreeDays(t *testing.T) {
	for replaces, want := range map[bool]time.Duration{false: 0, true: 3 * 24 * time.Hour} {
		p := New("ada", Number{E164: "+447911123456", Country: "GB"}, sentAt, replaces)
		if got := p.UsableAt.Sub(p.ProvedAt); got != want || !p.ProvedAt.Equal(sentAt) {
			t.Errorf("replaces %v: usable after %v", replaces, got)
		}
	}
}
