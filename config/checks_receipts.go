package config

import (
	"fmt"
	"slices"
	"strings"
)

// receiptWords are what receipts of an http gateway can mean.
var receiptWords = []string{"sent", "delivered", "away", "gone", "unfit", "blocked", "opted-out", "undelivered"}

// receiptLeast is how long a secret must be that anybody may try.
const receiptLeast = 16

// receiptChecks are the rows of the receipts of an http gateway.
func (c *Config) receiptChecks(key string, g Gateway) (rows []check) {
	if g.Kind != KindHTTP {
		return nil
	}
	add := func(name string, test func() (string, string)) {
		rows = append(rows, check{key + "." + name, test, key + ".kind"})
	}
	if g.ReceiptSecretFile == "" {
		for _, name := range []string{"ref_field", "id_field", "state_field", "reason_field", "states"} {
			if c.Declared(key + ".receipt_" + name) {
				add("receipt_"+name, func() (string, string) {
					return "is given without receipt_secret_file", "name the file of a secret that only you and the provider know"
				})
			}
		}
		return rows
	}
	add("receipt_secret_file", func() (problem, hint string) {
		if n := len(g.ReceiptSecret().Reveal()); n < receiptLeast {
			return fmt.Sprintf("holds a secret of %d characters, fewer than %d", n, receiptLeast), "make one: openssl rand -hex 16"
		}
		return "", ""
	})
	add("receipt_ref_field", g.checkFinding)
	add("receipt_ref_field", checkField(g.ReceiptRefField))
	add("receipt_id_field", checkField(g.ReceiptIDField))
	add("receipt_state_field", func() (problem, hint string) {
		if g.ReceiptStateField == "" {
			return "is missing", "name the field that says what became of the message"
		}
		return checkField(g.ReceiptStateField)()
	})
	add("receipt_reason_field", checkField(g.ReceiptReasonField))
	add("receipt_states", func() (problem, hint string) {
		if len(g.ReceiptStates) == 0 {
			return "is missing", "list what the state field says, as receipt_states: [DELIVRD delivered, UNDELIV undelivered]"
		}
		return "", ""
	})
	for i := range g.ReceiptStates {
		add(fmt.Sprintf("receipt_states[%d]", i), func() (string, string) { return g.checkReceiptState(i) })
	}
	return rows
}

// checkFinding: a receipt is of use only where its message can be found.
func (g Gateway) checkFinding() (problem, hint string) {
	switch {
	case g.ReceiptRefField == "" && g.ReceiptIDField == "":
		return "is missing", "name the field of a receipt that tells which message it is of, or receipt_id_field"
	case g.ReceiptRefField != "" && g.RefField == "":
		return "is given without ref_field", "name the field of the answer with the same name of the message"
	}
	return "", ""
}

func (g Gateway) checkReceiptState(i int) (problem, hint string) {
	said, means := splitState(g.ReceiptStates[i])
	same := func(text string) bool { other, _ := splitState(text); return other == said }
	switch {
	case said == "" || !slices.Contains(receiptWords, means):
		return quote(g.ReceiptStates[i]) + " does not end in what it means", "one of " + strings.Join(receiptWords, ", ") + ", as DELIVRD delivered"
	case slices.IndexFunc(g.ReceiptStates, same) < i:
		return quote(said) + " is given twice", ""
	}
	return "", ""
}

// splitState splits at the last space: providers have states of several words.
func splitState(text string) (said, means string) {
	at := strings.LastIndexByte(text, ' ')
	return strings.TrimSpace(text[:max(0, at)]), text[at+1:]
}

// States are what the state field of receipts says, and what it means.
func (g Gateway) States() map[string]string {
	all := map[string]string{}
	for _, text := range g.ReceiptStates {
		said, means := splitState(text)
		all[said] = means
	}
	return all
}
