// Package config holds the settings of a portal: one struct, read from one
// file of YAML and from the environment, checked as a whole. The comment of a
// field is the documentation of its key.
//
// A key has the value of the environment, else of the file, else its default.
// Every key but sms.gateways and apps is also a variable: SALLYPORT_ and its name in
// capitals, with _ for each dot (SALLYPORT_POLICY_GRACE_DAYS); lists are
// separated by commas. A secret can stand in a file of its own: the key of the
// same name with _file names it, and the two are never given together.
//
// Files and folders with a relative name are looked for from the folder of the
// settings file, whichever way they were named.
//
// Nothing is guessed: an unknown key, an unknown variable, a doubled key and a
// value of the wrong type are faults, and all faults are told at once with
// their lines. Anchors, aliases, merges, tags and a second document are refused.
package config

import "time"

// Values of keys that choose one of a few words.
const (
	Required = "required" // policy.require, policy.phone
	Optional = "optional" // policy.require, policy.phone
	Off      = "off"      // policy.phone

	EnrolPassword   = "password"   // policy.enrol
	EnrolInvitation = "invitation" // policy.enrol
	EnrolCode       = "code"       // policy.enrol

	KindOutbox = "outbox" // sms.gateways[].kind
	KindHTTP   = "http"   // sms.gateways[].kind
	KindTwilio = "twilio" // sms.gateways[].kind
	KindVonage = "vonage" // sms.gateways[].kind
	KindSNS    = "sns"    // sms.gateways[].kind
	KindSMPP   = "smpp"   // sms.gateways[].kind
)

// Config is all that the settings file may say. Load and Parse return only
// configurations that passed every check.
type Config struct {
	// URL is the address of the portal as people type it, without a path.
	// Links, cookies and the set-up of apps are made from it. It is https;
	// http is accepted for a loopback host only. It must be given.
	URL string `yaml:"url"`
	// Name is the name of the portal on its pages, in mails and, when it has
	// at most 20 characters, in apps and text messages. At most 40 characters.
	Name string `yaml:"name"`
	// Listen is the address and port that the portal listens on.
	Listen string `yaml:"listen"`
	// TLS makes the portal serve https itself, without a proxy in front.
	TLS TLS `yaml:"tls"`
	// Data is the folder of the embedded database. It is not used when
	// database is set.
	Data string `yaml:"data" is:"file"`
	// Database is the postgres:// address of a database to use instead of the
	// embedded one. It is a secret.
	Database Secret `yaml:"database"`
	// DatabaseFile names a file that holds the database address.
	DatabaseFile string `yaml:"database_file" is:"file"`
	// KeyFile names the file of the keys that seal secrets in the database:
	// one a line, the first seals, the others still open.
	KeyFile string `yaml:"key_file" is:"file"`
	// Insecure allows the outbox gateway on a url that is not loopback, so
	// that codes lie readable in a file. For trials only.
	Insecure bool `yaml:"insecure"`
	// SMS says how text messages leave.
	SMS SMS `yaml:"sms"`
	// Mail says how mails leave. Without a server none do.
	Mail Mail `yaml:"mail"`
	// DefaultCountry is the country that a mobile number without + is read in,
	// as two letters. It must be given with any gateway other than outbox.
	DefaultCountry string `yaml:"default_country"`
	// Policy is the policy that holds until an operator changes it. What is
	// given here cannot be changed by anything else.
	Policy Policy `yaml:"policy"`
	// Hashing is the cost of a password.
	Hashing Hashing `yaml:"hashing"`
	// Proxies are the addresses and networks (CIDR) of the proxies whose
	// forwarded headers count.
	Proxies []string `yaml:"proxies"`
	// Apps are what people sign in to. They can be given in the file only, and
	// those that are cannot be changed by anything else.
	Apps []App `yaml:"apps"`
	// Metrics is the address and port of a listener of its own that serves
	// metrics in the form of Prometheus. Empty is none.
	Metrics string `yaml:"metrics"`
	// TimeServer is a time server (NTP) that doctor holds the clock against, as
	// host or host:port. Nothing else asks it.
	TimeServer string `yaml:"time_server"`
	// Log says how the log is written.
	Log Log `yaml:"log"`
	// Brand is the look and the words of your own.
	Brand Brand `yaml:"brand"`

	places map[string]place // where each key was given
}

// TLS is a certificate with its key.
type TLS struct {
	// CertFile names the file of the certificate and its chain, in PEM.
	// Both files are given, or none.
	CertFile string `yaml:"cert_file" is:"file"`
	// KeyFile names the file of the certificate's private key, in PEM.
	KeyFile string `yaml:"key_file" is:"file"`
}

// Mail is the way of mails.
type Mail struct {
	// Server is the mail server that takes mails: smtps://user@host:465 speaks
	// TLS from the start, smtp://user@host:587 by STARTTLS, which a server that
	// is not on this machine must offer. Certificates are checked.
	Server string `yaml:"server"`
	// Password is that of the user in server. It is a secret.
	Password Secret `yaml:"password"`
	// PasswordFile names a file that holds the password.
	PasswordFile string `yaml:"password_file" is:"file"`
	// From is the address that mails come from.
	From string `yaml:"from"`
}

// SMS is the way of text messages.
type SMS struct {
	// Gateways are tried in their order. Without any, the set-up does not ask
	// for a mobile number. They can be given in the file only.
	Gateways []Gateway `yaml:"gateways"`
	// Countries are the countries that text messages may be sent to, as two
	// letters each. Without it: all while only outbox gateways are set, else
	// the default country alone.
	Countries []string `yaml:"countries"`
	// Prices are what one text message costs, each as a country and a price:
	// GB 0.04. The word others stands for all that are not named. Without
	// prices no money is counted.
	Prices []string `yaml:"prices"`
	// Currency is that of the prices, as three letters. It is given with them.
	Currency string `yaml:"currency"`
	// BudgetDay is how much of that currency text messages may cost in a day.
	// Codes stop there; notices count but are never held back.
	BudgetDay int `yaml:"budget_day"`
}

// Gateway is one way for text messages to leave.
type Gateway struct {
	// Name is the name of the gateway in logs, pages and the address of its
	// receipts: small letters, digits and hyphens.
	Name string `yaml:"name"`
	// Kind is the sort of gateway: outbox writes messages to a file, twilio, vonage
	// and sns call the provider of that name, http calls any other as the keys from
	// method on say, smpp keeps a connection as those from system_id on say.
	Kind string `yaml:"kind"`
	// Countries are the countries that this gateway is used for; without it, all.
	Countries []string `yaml:"countries"`
	// FirstFor are the countries in which this gateway is tried before those that
	// stand above it in the list.
	FirstFor []string `yaml:"first_for"`
	// Path names the file that an outbox gateway appends its messages to.
	Path string `yaml:"path" is:"file"`

	// Account is what the provider calls you: of twilio the Account SID, which
	// begins with AC, of vonage the API key, of sns the access key ID.
	Account string `yaml:"account"`
	// SecretFile names the file of what belongs to it: of twilio the Auth Token, of
	// vonage the API secret, of sns the secret access key.
	SecretFile string `yaml:"secret_file" is:"file"`
	// Service is the Messaging Service of twilio, which begins with MG, that picks
	// the sender in the place of brand.sms_sender.
	Service string `yaml:"service"`
	// Region is that of sns, as eu-west-1.
	Region string `yaml:"region"`

	// Method is how an http gateway is called: POST, PUT or GET. Without it, POST.
	Method string `yaml:"method"`
	// Address is the address that is called. It is https; http is accepted for a
	// loopback host only. Of twilio, vonage and sns it is a scheme and host in the
	// place of the provider's own, of smpp host:port. Of http it may hold blanks
	// after the host, which are filled in for each message: {{.To}} (the number, as
	// +442071838750), {{.Text}}, {{.ID}}
	// (unique), {{.Sender}} (brand.sms_sender) and {{secret "name"}}. A value is
	// made safe for its place by form (after ? and in forms), path (before ?),
	// json (quotes included), base64 (which joins several) or digits.
	Address string `yaml:"address"`
	// Headers are the headers of the call, each as 'Name: value' in quotes, with
	// blanks as in address.
	Headers []string `yaml:"headers"`
	// Body is the body of the call, with blanks: JSON or a form, as Content-Type
	// among headers says.
	Body string `yaml:"body"`
	// Secrets are what the provider gave you and nobody else may know.
	Secrets []GatewaySecret `yaml:"secrets"`
	// CAFile names certificates, in PEM, that the gateway's own may be signed by
	// besides those that this machine trusts.
	CAFile string `yaml:"ca_file" is:"file"`
	// OKStatus are the HTTP statuses of an answer that took the message; without
	// it, 200 to 299.
	OKStatus []int `yaml:"ok_status"`
	// OKField is the field of a JSON answer that must also say so: names with dots
	// between, and a number for a place in a list, as messages.0.status.
	OKField string `yaml:"ok_field"`
	// OKValues are what that field says when the message was taken.
	OKValues []string `yaml:"ok_values"`
	// RefField is the field of the answer with the provider's name for the message.
	RefField string `yaml:"ref_field"`
	// RefusedStatus are the HTTP statuses that mean that the number cannot get the
	// message. With refused_field, both must fit.
	RefusedStatus []int `yaml:"refused_status"`
	// RefusedField is the field of the answer that tells so.
	RefusedField string `yaml:"refused_field"`
	// RefusedValues are what that field says then.
	RefusedValues []string `yaml:"refused_values"`

	// ReceiptSecretFile names the file of the secret that receipts must bring: of
	// http one of your own, of vonage the signature secret. Without it these kinds
	// take no receipts; those of twilio are signed with the Auth Token.
	ReceiptSecretFile string `yaml:"receipt_secret_file" is:"file"`
	// ReceiptRefField is the field of a receipt with the provider's name for the
	// message: a path as in ok_field where receipts are JSON, else the name of a
	// field of the form or of the address.
	ReceiptRefField string `yaml:"receipt_ref_field"`
	// ReceiptIDField is the field of a receipt with the name that {{.ID}} gave it.
	ReceiptIDField string `yaml:"receipt_id_field"`
	// ReceiptStateField is the field of a receipt that says what became of it.
	ReceiptStateField string `yaml:"receipt_state_field"`
	// ReceiptReasonField is the field of a receipt with the provider's code for the
	// reason.
	ReceiptReasonField string `yaml:"receipt_reason_field"`
	// ReceiptStates are what the state field says, each with what it means, as
	// 'DELIVRD delivered': sent, delivered, away (off or full), gone (not in use),
	// unfit (gets no texts), blocked, opted-out or undelivered.
	ReceiptStates []string `yaml:"receipt_states"`

	// SystemID is the name of your account at the SMSC of an smpp gateway, whose
	// address is host:port.
	SystemID string `yaml:"system_id"`
	// PasswordFile names the file that holds the password of that account.
	PasswordFile string `yaml:"password_file" is:"file"`
	// SystemType is what some providers ask for besides; most do not.
	SystemType string `yaml:"system_type"`
	// TLS has an smpp gateway speak TLS, with the certificate checked. Without it
	// codes and the password can be read on their way: use it, or a VPN.
	TLS bool `yaml:"tls"`
	// Window is how many messages an smpp gateway may hand over before the first
	// is answered, from 1 to 255. Without it, 10.
	Window int `yaml:"window"`

	secret, receiptSecret, password *Secret // pointers, as in GatewaySecret
}

// GatewaySecret is a secret of a gateway, in a file of its own.
type GatewaySecret struct {
	// Name is what the blanks call it: {{secret "name"}}.
	Name string `yaml:"name"`
	// File names the file that holds it.
	File string `yaml:"file" is:"file"`

	value *Secret // fmt asks no unexported field to hide itself, and follows no pointer
}

// Log is the form of the log.
type Log struct {
	// Format is text or json.
	Format string `yaml:"format"`
	// Level is the least level that is written: debug, info, warn or error.
	Level string `yaml:"level"`
}

// Hashing is what one Argon2id hash costs, and how many are made at once.
// Raising it changes a person's hash at the next good sign-in.
type Hashing struct {
	// Memory is the memory of one hash in KiB, from 19456 to 262144.
	Memory int `yaml:"memory"`
	// Time is the number of passes over the memory, from 2 to 10.
	Time int `yaml:"time"`
	// Threads is the number of lanes of one hash.
	Threads int `yaml:"threads"`
	// Parallel is how many hashes are made at once; 0 is one per core, and at
	// least 2.
	Parallel int `yaml:"parallel"`
}

// Policy is who must have 2FA, by when, and what may stand in for it.
type Policy struct {
	// Require is required, or optional to offer 2FA and leave the choice.
	Require string `yaml:"require"`
	// GraceDays is how many days people may choose "Not now" where 2FA is
	// required, from 0 (at once) to 90.
	GraceDays int `yaml:"grace_days"`
	// Enrol is what a first set-up asks besides the password: password
	// (nothing), invitation or code.
	Enrol string `yaml:"enrol"`
	// Phone says whether the set-up asks for a mobile number: required,
	// optional or off. Without a gateway it never does.
	Phone string `yaml:"phone"`
	// BlockInternetNumbers refuses numbers of internet telephony where that
	// can be told.
	BlockInternetNumbers bool `yaml:"block_internet_numbers"`
	// RecoveryText lets a text message prove who sets up a new app.
	RecoveryText bool `yaml:"recovery_text"`
	// RecoveryDelayPeople is the wait before a text message sets up a new app.
	RecoveryDelayPeople time.Duration `yaml:"recovery_delay_people"`
	// RecoveryDelayOperators is the same wait for operators.
	RecoveryDelayOperators time.Duration `yaml:"recovery_delay_operators"`
	// ResetCode lets operators hand out a setup code to someone who has lost
	// everything else.
	ResetCode bool `yaml:"reset_code"`
	// SessionIdle is how long a session lasts without use, from 5m to 60m.
	SessionIdle time.Duration `yaml:"session_idle"`
	// SessionLength is how long a session lasts at all, at most 24h.
	SessionLength time.Duration `yaml:"session_length"`
}
