package local

import "context"

// Each walks paths and does work on every entry, several at a time but at most
// workers, and hands what came of it to emit in the order of the walk. It
// returns when all work has ended. The error is emit's, the walk's or the
// context's.
func Each[T any](ctx context.Context, paths []string, o Options, workers int, work func(context.Context, *Entry) T, emit func(T) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	slots := make(chan struct{}, max(workers, 1))
	// A slow file at the front must not keep the others waiting, nor may finished
	// work pile up behind it.
	queue := make(chan chan T, 8*max(workers, 1))
	var walked error
	go func() {
		defer close(queue)
		walked = Walk(ctx, paths, o, func(e *Entry) error {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			out := make(chan T, 1)
			go func() {
				out <- work(ctx, e)
				<-slots
			}()
			queue <- out
			return nil
		})
	}()
	var failed error
	for out := range queue {
		if got := <-out; failed == nil {
			if failed = emit(got); failed != nil {
				stop()
			}
		}
	}
	if failed != nil {
		return failed
	}
	return walked
}
