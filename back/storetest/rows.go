package storetest

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"time"

	"sallyport/core/factor"
	"sallyport/core/flow"
	"sallyport/core/limit"
	"sallyport/core/message"
	"sallyport/core/person"
	"sallyport/core/phone"
	"sallyport/core/session"
)

const minute = time.Minute

var never time.Time

// Rows that most tests begin with.
func newPerson() person.Person { return person.New("name-"+strings.ToLower(id()), now) }

func newApp(who string) factor.Factor {
	return factor.New(factor.App, who, "Phone", []byte("secret"), now)
}

func newPhone(who, number string) phone.Phone {
	return phone.New(who, phone.Number{E164: number, Country: "US"}, now, false)
}

func newAttempt(who string) flow.Attempt {
	return flow.Attempt{ID: id(), Person: who, Lane: limit.Others, MadeAt: now, SeenAt: now, Version: 1}
}

func newSetup(who string) flow.Setup {
	return flow.Setup{ID: id(), Person: who, Kind: flow.SetupFirst, MadeAt: now, SeenAt: now, EndsAt: at(flow.SetupLife), Version: 1}
}

func newSession(who string) session.Session {
	return issued(session.Row{ID: id(), Person: who, MadeAt: now, SeenAt: now, EndsAt: at(12 * time.Hour), Version: 1})
}

func newLink(who string) person.Link {
	return person.Link{ID: id(), Kind: person.Invitation, Person: who, MadeAt: now, EndsAt: at(person.InvitationLife)}
}

func newBrowser(who string) session.KnownBrowser {
	return session.KnownBrowser{ID: id(), Token: id(), Person: who, MadeAt: now, SeenAt: now, EndsAt: at(session.KnownFor)}
}

func newRecovery(who string) flow.Recovery {
	return flow.Recovery{ID: id(), Person: who, Phone: id(), AskedAt: now, OpenAt: at(24 * time.Hour), Until: at(96 * time.Hour)}
}

func newMessage() message.Message {
	return message.New(id(), message.CodeKind, "+12125550199", "US", "123456 is your code", now, 10*minute)
}

func newMail() message.Message {
	return message.NewMail(id(), "set-up", "ada@example.org", "2FA is on", "text", now, message.MailLife)
}

// digits are the last of a telephone number.
func digits() string {
	n, _ := rand.Int(rand.Reader, big.NewInt(1_000_000_000))
	return fmt.Sprintf("%09d", n)
}
