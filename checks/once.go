package checks

import "sync"

// onceMap computes a value once for each key, also when several ask at once.
// The zero value is ready to use.
type onceMap[V any] struct {
	mu   sync.Mutex
	made map[string]func() (V, error)
}

func (o *onceMap[V]) get(key string, make1 func() (V, error)) (V, error) {
	o.mu.Lock()
	if o.made == nil {
		o.made = map[string]func() (V, error){}
	}
	once, ok := o.made[key]
	if !ok {
		once = sync.OnceValues(make1)
		o.made[key] = once
	}
	o.mu.Unlock()
	return once()
}
