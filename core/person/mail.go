package person

import (
	"strings"

	"sallyport/core/fault"
)

// The longest address and local part (RFC 5321, section 4.5.3.1).
const addressMax, localMax = 254, 64

// MailAddress reads a mail address as people type it: a local part without
// quotes or comments, and a domain with a dot. What mail programs could read as
// two addresses, or as a header, is refused (RFC 5322, section 3.4.1), and so are
// letters beyond ASCII, which not every mail server on the way takes.
func MailAddress(typed string) (string, *fault.Fault) {
	typed = strings.TrimSpace(typed)
	wrong := fault.New(fault.Invalid, "mail.wrong").On("mail")
	at := strings.LastIndexByte(typed, '@')
	switch {
	case typed == "":
		return "", fault.New(fault.Invalid, "mail.empty").On("mail")
	case at < 1 || at > localMax || len(typed) > addressMax:
		return "", wrong
	}
	local, domain := typed[:at], strings.ToLower(typed[at+1:])
	if strings.ContainsFunc(local, oddInMail) || strings.ContainsFunc(domain, oddInDomain) {
		return "", wrong
	}
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || len(label) > 63 {
			return "", wrong
		}
	}
	if len(labels) < 2 || strings.Trim(local, ".") != local || strings.Contains(local, "..") {
		return "", wrong
	}
	return local + "@" + domain, nil
}

// oddInMail tells what an atom of a local part does not hold (RFC 5322, section
// 3.2.3), but for dots.
func oddInMail(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.", r)
}

func oddInDomain(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-.", r)
}

// Mailbox is where mails to an address arrive as most servers see it: in whatever
// case, and whatever stands after a plus sign. It is for counting, never to write to.
func Mailbox(address string) string {
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	box, _, _ := strings.Cut(local, "+")
	return box + "@" + domain
}

// MaskMail is an address as pages show it: "a•••@example.org".
func MaskMail(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" {
		return ""
	}
	first := []rune(local)[0]
	return string(first) + "•••@" + domain
}
