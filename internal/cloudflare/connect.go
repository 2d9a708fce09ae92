// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// connectPropagationTimeout is how long the services of a fresh link may take
	// to be listed before they are taken to wait for a person. It is a guess.
	connectPropagationTimeout = 10 * time.Second
	// disconnectPropagationTimeout is how long disconnected services may still be
	// listed. It is a guess.
	disconnectPropagationTimeout = 30 * time.Second
	// interruptedGracePeriod is what an interrupt leaves for one more list. It is a
	// guess.
	interruptedGracePeriod = time.Second

	// pollMin and pollMax are the first and the longest pause between two lists. They
	// are guesses.
	pollMin = time.Second
	pollMax = 10 * time.Second
)

// ConnectOptions is what Connect may be told.
type ConnectOptions struct {
	// AdoptExisting takes over an account that is already connected.
	AdoptExisting bool
	// WaitForServices waits until the context's deadline for a person to choose
	// services.
	WaitForServices bool
}

// Connection is what Connect has made of an account.
type Connection struct {
	// ID is what the link returned, if anything.
	ID string
	// Services are empty while the connection is pending: nobody has chosen
	// services yet.
	Services []Service
	// Adopted reports that the account was connected already.
	Adopted bool
	// LinkErr is what the link returned where it was no success.
	LinkErr error
	// PollErr is why polling ended without services, where the list was not just
	// empty: a list that failed, or an interrupt.
	PollErr error
	// Messages are the API's, of a link that succeeded.
	Messages []string
}

// Connect connects the account to PagerDuty, one flow at a time for an account:
// list, create a token, link with it once, and list again until services show.
//
// It refuses an account that is connected already (*AlreadyConnectedError), unless
// it may adopt it. Else it is an error only where nothing was done: the list or the
// token failed, or the link never arrived. After anything else that a link
// returned, the list decides: the account was empty before, so services that are
// listed now came with this connection. Without any it is pending.
func (c *Client) Connect(ctx context.Context, accountID string, options ConnectOptions) (*Connection, error) {
	unlock, err := c.lock(ctx, accountID)
	if err != nil {
		return nil, err
	}
	defer unlock()

	existing, err := c.list(ctx, accountID)
	if err != nil {
		return nil, err
	}
	connection := &Connection{Services: existing, Adopted: true}
	switch {
	case len(existing) == 0:
		connection, err = c.connect(ctx, accountID, options)
	case !options.AdoptExisting:
		err = &AlreadyConnectedError{Services: existing}
	}
	if err != nil {
		return nil, err
	}
	c.markConnected(accountID)
	return connection, nil
}

// connect links an account that has no services, and polls for them.
func (c *Client) connect(ctx context.Context, accountID string, options ConnectOptions) (*Connection, error) {
	// A list that began before the services showed must not be shared after.
	defer c.gate.forget(destinationPath(accountID))

	token, err := c.createToken(ctx, accountID)
	if err != nil {
		return nil, err
	}
	connection := &Connection{}
	connection.ID, connection.Messages, connection.LinkErr = c.link(ctx, accountID, token)
	limit := connectPropagationTimeout
	switch {
	case neverArrived(connection.LinkErr):
		return nil, connection.LinkErr
	case options.WaitForServices:
		limit = timeLeft(ctx, c.clock)
	case connection.LinkErr != nil && !IsOutcomeUnknown(connection.LinkErr):
		limit = 0 // A refusal: a person may have connected meanwhile, but not due to it.
	}
	connection.Services, connection.PollErr = c.pollAfterChange(ctx, accountID, limit, func(services []Service, err error) bool {
		status := statusOf(err)
		return len(services) > 0 || status == http.StatusUnauthorized || status == http.StatusForbidden
	})
	if len(connection.Services) > 0 {
		connection.PollErr = nil
	}
	return connection, nil
}

// Disconnection is what Disconnect has made of an account.
type Disconnection struct {
	// Transferred reports that nothing was disconnected: the connection belongs to
	// another owner now.
	Transferred bool
	// Messages are the API's, of a disconnection that succeeded.
	Messages []string
}

// Disconnect disconnects the account's PagerDuty services, one flow at a time for
// an account, and polls until none is listed. It disconnects nothing and returns
// *UnplannedServicesError when a service is listed that is not among approved.
// Services that are still listed in the end are a *StillListedError.
//
// Where this client has connected or adopted the account itself, ownership was
// transferred in the same run: nothing is disconnected.
func (c *Client) Disconnect(ctx context.Context, accountID string, approved []Service) (Disconnection, error) {
	unlock, err := c.lock(ctx, accountID)
	if err != nil {
		return Disconnection{}, err
	}
	defer unlock()
	if c.ConnectedInRun(accountID) {
		return Disconnection{Transferred: true}, nil
	}
	defer c.gate.forget(destinationPath(accountID))

	// The API disconnects whatever there is, so what there is must be checked right
	// before each attempt.
	attempts := 0
	var stopped error // why there was no attempt, or no other one
	messages, err := c.deleteServices(ctx, accountID, func(ctx context.Context) error {
		if stopped = c.checkApproved(ctx, accountID, approved); stopped == nil {
			attempts++
		}
		return stopped
	})
	switch {
	case errors.Is(stopped, errNothingListed):
		if attempts == 0 {
			return Disconnection{}, nil
		}
		err = nil // An attempt whose outcome was unknown has worked.
	case stopped != nil:
		if unplanned, ok := errors.AsType[*UnplannedServicesError](stopped); ok {
			unplanned.Attempted = attempts > 0
		}
		return Disconnection{}, stopped
	case err == nil, statusOf(err) == http.StatusNotFound, IsOutcomeUnknown(err) && ctx.Err() == nil:
		// Done, or a list tells.
	default:
		return Disconnection{}, err
	}

	// Other endpoints of the API show deleted objects for a moment, so it takes two
	// empty lists in a row.
	empty := 0
	emptyTwice := func(services []Service, err error) bool {
		if empty++; err != nil || len(services) > 0 {
			empty = 0
		}
		return empty == 2
	}
	services, pollErr := c.pollAfterChange(ctx, accountID, disconnectPropagationTimeout, emptyTwice)
	if empty == 1 && pollErr == nil && sleep(ctx, c.clock, pollMin) == nil {
		services, pollErr = c.poll(ctx, accountID, 0, emptyTwice)
	}
	switch {
	case empty == 2:
		return Disconnection{Messages: messages}, nil
	case IsOutcomeUnknown(err):
		return Disconnection{}, err
	default:
		return Disconnection{}, &StillListedError{Services: services, DeleteErr: err, PollErr: pollErr}
	}
}

// errNothingListed means that there is nothing to disconnect, any more.
var errNothingListed = errors.New("no service is listed")

func (c *Client) checkApproved(ctx context.Context, accountID string, approved []Service) error {
	services, err := c.list(ctx, accountID)
	if err != nil {
		return err
	}
	if len(services) == 0 {
		return errNothingListed
	}
	if unplanned := Missing(services, approved); len(unplanned) > 0 {
		return &UnplannedServicesError{Services: unplanned}
	}
	return nil
}

// list is ListServices without sharing: what others have under way may have begun
// too early.
func (c *Client) list(ctx context.Context, accountID string) ([]Service, error) {
	return c.sendList(ctx, c.listRequest(accountID))
}

// poll lists until done says so, and the last time once the limit is over. It
// returns the last services seen, and why the last list failed, or that there was
// an interrupt. A list that fails is not retried: it is followed by the next one.
func (c *Client) poll(ctx context.Context, accountID string, limit time.Duration, done func([]Service, error) bool) ([]Service, error) {
	var services []Service
	started := c.clock.Now()
	for pause := pollMin; ; pause = min(pause*3/2, pollMax) {
		req := c.listRequest(accountID)
		req.retries = 0
		listed, err := c.sendList(ctx, req)
		if err == nil {
			services = listed
		}
		left := limit - c.clock.Now().Sub(started)
		if done(listed, err) || left <= 0 || errors.As(err, new(*RateLimitedError)) || errors.As(err, new(*EndedError)) {
			return services, err
		}
		ended := sleep(ctx, c.clock, min(pause, left))
		if err != nil && errors.Is(ended, context.DeadlineExceeded) {
			return services, err // That the time is up would only hide what went wrong.
		}
		if ended != nil {
			return services, &EndedError{Err: ended, Before: err}
		}
	}
}

// pollAfterChange polls for what a change has led to. After an interrupt, it is
// worth one list.
func (c *Client) pollAfterChange(ctx context.Context, accountID string, limit time.Duration, done func([]Service, error) bool) ([]Service, error) {
	if ctx.Err() == nil {
		return c.poll(ctx, accountID, limit, done)
	}
	graceful, cancel := context.WithTimeout(context.WithoutCancel(ctx), interruptedGracePeriod)
	defer cancel()
	services, _ := c.poll(graceful, accountID, 0, done)
	return services, &EndedError{Err: ctx.Err()}
}

// accountLocks holds a lock for each account of each API. It is the process's,
// not the client's: a provider that is configured again makes another client.
var accountLocks sync.Map

// lock waits until no other flow is under way on the account.
func (c *Client) lock(ctx context.Context, accountID string) (unlock func(), err error) {
	value, _ := accountLocks.LoadOrStore(c.baseURL+" "+strings.ToLower(accountID), semaphore.NewWeighted(1))
	lock := value.(*semaphore.Weighted) //nolint:forcetypeassert // Nothing else is stored.
	if lock.TryAcquire(1) {
		// Even where the time is up already: no other operation is to blame for that.
		return func() { lock.Release(1) }, nil
	}
	if err := lock.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("while another operation on account %s was under way: %w", accountID, &EndedError{Err: err})
	}
	return func() { lock.Release(1) }, nil
}

func (c *Client) markConnected(accountID string) {
	c.connectedMu.Lock()
	defer c.connectedMu.Unlock()
	c.connected[strings.ToLower(accountID)] = true
}

// ConnectedInRun reports whether this client has connected or adopted the account.
func (c *Client) ConnectedInRun(accountID string) bool {
	c.connectedMu.Lock()
	defer c.connectedMu.Unlock()
	return c.connected[strings.ToLower(accountID)]
}

// ConnectedAnotherInRun reports whether this client has connected or adopted an
// account other than this one.
func (c *Client) ConnectedAnotherInRun(accountID string) bool {
	c.connectedMu.Lock()
	defer c.connectedMu.Unlock()
	others := len(c.connected)
	if c.connected[strings.ToLower(accountID)] {
		others--
	}
	return others > 0
}
