package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What Standard Webhooks 1.0.0 asks of a key (spec/standard-webhooks.md,
// "Signature scheme"): base64 behind a prefix, which its libraries let be left
// out, and at least 24 bytes.
const (
	secretPrefix = "whsec_"
	minKey       = 24
)

// signingKey is the key in a secret. Its errors complete "the value of ${NAME}".
func signingKey(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	switch {
	case err != nil:
		return nil, errors.New("is not base64, or whsec_ and base64")
	case len(key) < minKey:
		return nil, errors.New("is a key of less than 24 bytes")
	}
	return key, nil
}

// sign sets the headers of Standard Webhooks: the ID of the message, the time of
// this attempt and the signature of both and of the body.
func sign(h http.Header, key []byte, id string, now time.Time, body []byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", timestamp)
	h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
