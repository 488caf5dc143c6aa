package stories_test

import "testing"

// From the fifth wrong code on the owner hears that somebody has the password, and
// not before: anybody mistypes.
func TestTheFifthWrongCodeIsTold(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.enrol("ada")
	thief := p.lost("ada")
	for range 4 {
		thief.do("Verify", "code", "000000")
	}
	p.quiet(e164)
	thief.do("Verify", "code", "000000")
	p.text(e164, "was entered with wrong codes")
}
