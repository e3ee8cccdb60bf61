package checks

import "sync"

// onceMap makes a text (a path) once for each key, also when several ask at
// once. The zero value is ready to use.
type onceMap struct {
	mu   sync.Mutex
	made map[string]func() (string, error)
}

func (o *onceMap) get(key string, produce func() (string, error)) (string, error) {
	o.mu.Lock()
	if o.made == nil {
		o.made = map[string]func() (string, error){}
	}
	once, ok := o.made[key]
	if !ok {
		once = sync.OnceValues(produce)
		o.made[key] = once
	}
	o.mu.Unlock()
	return once()
}
