package smpp

// Account is who binds.
type Account struct {
	SystemID, Password, SystemType string
}

const version = 0x34

// The most that the fields of an account hold. The standard says 15 and 8 for the
// first two, and providers give out longer ones.
const (
	SystemIDMost   = 63
	PasswordMost   = 63
	SystemTypeMost = 12
)

func (a Account) bind() []byte {
	b := text(nil, a.SystemID, SystemIDMost)
	b = text(b, a.Password, PasswordMost)
	b = text(b, a.SystemType, SystemTypeMost)
	return append(b, version, 0, 0, 0) // no range of addresses: what the account is for
}
