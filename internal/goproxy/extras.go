package goproxy

import (
	"context"
	"time"
)

// extrasTime is how long all extra requests to one entry may take together:
// they tell more about it, and nothing waits for them.
const extrasTime = time.Second

// askExtras asks an entry that serves for what decides nothing. What has no
// answer in time is left out.
func (v *visit) askExtras(ctx context.Context) {
	info := v.r.Answer(Info)
	if v.files || info.Fault != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, extrasTime)
	defer cancel()
	if v.p.SumDB != "" {
		v.extra(ctx, SumDB)
	}
	v.extra(ctx, Latest)
	v.extra(ctx, Missing)
	if v.module = v.p.Capital; v.module.Path == "" {
		return
	}
	if a := v.extra(ctx, Escaped); a != nil && a.Fault != nil {
		v.extra(ctx, Unescaped)
	}
}

// extra asks for one endpoint; nil when there was no time for it.
func (v *visit) extra(ctx context.Context, e Endpoint) *Answer {
	target, err := endpointURL(v.r.Entry.URL, v.module, v.p.SumDB, e)
	if err != nil || ctx.Err() != nil {
		return nil
	}
	a := Answer{Endpoint: e, URL: Redact(target)}
	start := v.p.Now()
	v.ask(ctx, target, &a)
	a.Duration = v.p.Now().Sub(start)
	if ctx.Err() != nil {
		return nil
	}
	v.r.Extras = append(v.r.Extras, a)
	return &v.r.Extras[len(v.r.Extras)-1]
}
