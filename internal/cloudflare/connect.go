// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// connectSettleTime is how long the services of a fresh link may take to
	// show before they are taken to wait for a person.
	connectSettleTime = 10 * time.Second
	// disconnectSettleTime is how long deleted services may still be listed.
	disconnectSettleTime = 30 * time.Second
	// interruptedLookTime is what is left for looking after an interrupt.
	interruptedLookTime = time.Second

	pollMin = time.Second
	pollMax = 10 * time.Second
)

type ConnectOptions struct{ AdoptExisting, WaitForServices bool }
type Connection struct {
	ID       string
	Services []Service
	Adopted  bool
	LinkErr  error
	PollErr  error
	Messages []string
}

// AlreadyConnectedError is an account that has services before it was linked,
// and may not be taken over.
type AlreadyConnectedError struct{ Services []Service }

func (e *AlreadyConnectedError) Error() string {
	return "the account is already connected to PagerDuty, with " + ServiceNames(e.Services)
}

// UnplannedServicesError is a deletion that would remove services that nobody
// approved the removal of. Nothing was deleted.
type UnplannedServicesError struct{ Services []Service }

func (e *UnplannedServicesError) Error() string {
	return "deleting would also remove what the plan did not show: " + ServiceNames(e.Services)
}

// StillListedError is a deletion that the API accepted and that could not be
// seen to have happened.
type StillListedError struct {
	Services []Service // what the last look showed
	Err      error     // why looking ended or failed; may be nil
}

func (e *StillListedError) Error() string {
	text := "the services should be gone, but that could not be confirmed"
	if len(e.Services) > 0 {
		text = "the services were to be deleted, but the API still lists " + ServiceNames(e.Services)
	}
	return withCause(text, e.Err)
}

// Unwrap returns why looking ended.
func (e *StillListedError) Unwrap() error { return e.Err }

func withCause(text string, cause error) string {
	if cause != nil {
		text += "\nLast, " + cause.Error()
	}
	return text
}

// ServiceNames renders services for a message: each name with its ID, safe for a
// terminal.
func ServiceNames(services []Service) string {
	names := make([]string, len(services))
	for i, service := range services {
		names[i] = fmt.Sprintf("%s (ID %s)", quoted(service.Name), Printable(service.ID, maxMessage))
	}
	return strings.Join(names, ", ")
}

// quoted is a name in quotes, in which whatever does not show as itself is
// escaped: a name that differs in white space alone looks different.
func quoted(name string) string {
	shown := 0
	for i := range name {
		if shown++; shown > maxMessage {
			name = name[:i] + "…"
			break
		}
	}
	return strconv.Quote(name)
}


func (c *Client) Connect(ctx context.Context, accountID string, options ConnectOptions) (*Connection, error) {
	unlock, err := c.lock(ctx, accountID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	existing, err := c.list(ctx, accountID, listOptions{})
	if err != nil {
		return nil, err
	}
	if len(existing) > 0 {
		if !options.AdoptExisting {
			return nil, &AlreadyConnectedError{Services: existing}
		}
		c.claim(accountID)
		return &Connection{Services: existing, Adopted: true}, nil
	}
	defer c.lists.Forget(destinationPath(accountID))
	token, err := c.CreateIntegrationToken(ctx, accountID)
	if err != nil {
		return nil, err
	}
	id, err := c.Link(ctx, accountID, token)
	var transport *TransportError
	if errors.As(err, &transport) && transport.Unsent || errors.As(err, new(*RateLimitedError)) {
		return nil, err
	}
	c.claim(accountID)
	connection := &Connection{ID: id, LinkErr: err}
	limit := connectSettleTime
	if err != nil && !IsOutcomeOpen(err) {
		limit = 0
	}
	if options.WaitForServices {
		limit = noLimit
	}
	connection.Services, connection.PollErr = c.look(ctx, accountID, limit, func(s []Service) bool { return len(s) > 0 })
	return connection, nil
}

func (c *Client) Disconnect(ctx context.Context, accountID string, approved []Service) (Disconnection, error) {
	unlock, err := c.lock(ctx, accountID)
	if err != nil {
		return Disconnection{}, err
	}
	defer unlock()
	if c.claimed(accountID) {
		return Disconnection{Transferred: true}, nil
	}
	defer c.lists.Forget(destinationPath(accountID))
	var guardErr error
	err = c.DeleteServices(ctx, accountID, func(ctx context.Context) error {
		guardErr = c.guard(ctx, accountID, approved)
		return guardErr
	})
	var api *APIError
	switch {
	case errors.Is(guardErr, errNothingListed):
		return Disconnection{}, nil
	case guardErr != nil:
		return Disconnection{}, guardErr
	case err == nil, errors.As(err, &api) && api.StatusCode == http.StatusNotFound, IsOutcomeOpen(err) && ctx.Err() == nil:
	default:
		return Disconnection{}, err
	}
	empty := 0
	services, lookErr := c.look(ctx, accountID, disconnectSettleTime, func(s []Service) bool {
		if len(s) > 0 {
			empty = 0
		} else {
			empty++
		}
		return empty == 2
	})
	switch {
	case lookErr == nil && len(services) == 0:
		return Disconnection{}, nil
	case IsOutcomeOpen(err):
		return Disconnection{}, err
	default:
		return Disconnection{}, &StillListedError{Services: services, Err: lookErr}
	}
}

// errNothingListed means that there is nothing to delete, any more.
var errNothingListed = errors.New("no service is listed")

func (c *Client) guard(ctx context.Context, accountID string, approved []Service) error {
	services, err := c.list(ctx, accountID, listOptions{})
	if err != nil {
		return err
	}
	if len(services) == 0 {
		return errNothingListed
	}
	unseen := slices.DeleteFunc(services, func(s Service) bool {
		return slices.ContainsFunc(approved, func(a Service) bool { return SameID(a.ID, s.ID) })
	})
	if len(unseen) > 0 {
		return &UnplannedServicesError{Services: unseen}
	}
	return nil
}

// noLimit makes look go on until the context's deadline.
const noLimit time.Duration = -1

// look lists until a list is as wanted, for at most the limit, and at least once.
// It returns the last services seen, and why the last look failed or looking
// ended early. A failed look is followed by another one as long as there is time;
// waiting for the rate limit does not count towards the limit.
func (c *Client) look(ctx context.Context, accountID string, limit time.Duration, wanted func([]Service) bool) ([]Service, error) {
	parent := ctx
	if ctx.Err() != nil {
		// What has been done is worth one look, interrupted or not.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), interruptedLookTime)
		defer cancel()
	}
	end := c.clock.Now().Add(limit)
	var services []Service
	for pause := pollMin; ; pause = min(pause*3/2, pollMax) {
		listed, err := c.list(ctx, accountID, listOptions{once: true})
		if err == nil {
			services = listed
			if wanted(listed) {
				return listed, nil
			}
		}
		wait := pause
		if limit != noLimit {
			wait = min(pause, end.Sub(c.clock.Now())) // The last look is at the end.
		}
		var limited *RateLimitedError
		if errors.As(err, &limited) {
			wait = max(pause, limited.Wait)
			end = end.Add(wait)
		}
		switch {
		case parent.Err() != nil:
			return services, endedAfter(err, parent.Err())
		case wait <= 0, limited != nil && !c.fits(ctx, wait):
			return services, err
		}
		if ctxErr := c.sleep(ctx, wait); ctxErr != nil {
			return services, endedAfter(err, ctxErr)
		}
	}
}

// endedAfter adds to a look's error that the context ended, unless it says so.
func endedAfter(err, ctxErr error) error {
	if errors.Is(err, ctxErr) {
		return err
	}
	return errors.Join(err, &endedError{ctxErr})
}

// accountLocks holds a lock for each account of each API. It is the process's,
// not the client's: provider instances may share an account.
var accountLocks sync.Map

// lock waits until no other flow is under way on the account.
func (c *Client) lock(ctx context.Context, accountID string) (unlock func(), err error) {
	value, _ := accountLocks.LoadOrStore(c.baseURL+" "+strings.ToLower(accountID), semaphore.NewWeighted(1))
	lock := value.(*semaphore.Weighted) //nolint:forcetypeassert // Nothing else is stored.
	if err := lock.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("while another operation on account %s was under way: %w", accountID, &endedError{err})
	}
	return func() { lock.Release(1) }, nil
}

func (c *Client) claim(accountID string) {
	c.claimsMu.Lock()
	defer c.claimsMu.Unlock()
	c.claims[strings.ToLower(accountID)] = true
}

func (c *Client) claimed(accountID string) bool {
	c.claimsMu.Lock()
	defer c.claimsMu.Unlock()
	return c.claims[strings.ToLower(accountID)]
}
