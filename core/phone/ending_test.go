package phone

import "testing"

// What is shown of a number is its last three digits, and of a broken one no more
// than there is.
func TestANumberIsShownByItsEnding(t *testing.T) {
	for number, want := range map[string]string{"+447911123456": "456", "+12025550143": "143", "+12": "+12", "12": "12", "": ""} {
		if got := (Phone{Number: number}).Ending(); got != want {
			t.Errorf("%q: %q", number, got)
		}
		if got := (Number{E164: number}).Ending(); got != want {
			t.Errorf("%q as it is entered: %q", number, got)
		}
	}
}

func TestHowManyGuessesAreLeft(t *testing.T) {
	for guesses, want := range map[int]int{0: 5, 1: 4, 4: 1, 5: 0, 6: 0} {
		if got := (TextCode{Guesses: guesses}).GuessesLeft(); got != want {
			t.Errorf("after %d: %d", guesses, got)
		}
	}
}
