// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
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
	// interruptedGracePeriod is what an interrupt leaves for one more list.
	interruptedGracePeriod = time.Second

	pollMin = time.Second
	pollMax = 10 * time.Second
)

// ConnectOptions is what Connect may be told.
type ConnectOptions struct {
	// AdoptExisting takes over an account that is already connected.
	AdoptExisting bool
	// WaitForServices makes it a failure when no service is listed by the
	// context's deadline.
	WaitForServices bool
}

// Connection is an account that is connected to PagerDuty.
type Connection struct {
	// ID is what the link returned; empty after an adoption or an unknown outcome.
	ID       string
	Services []Service
	// PollErr is why the last list failed, where no service was seen.
	PollErr error
}

// Connect connects the account to PagerDuty, one flow at a time for an account:
// list, create a token, link with it once, and list again until services show.
//
// It refuses an account that is connected already (*AlreadyConnectedError),
// unless it may adopt it. A link whose outcome is unknown is settled by a list: the
// account was empty before, so services that are listed now came from this link;
// otherwise *LinkUnsettledError. No service in time is *NoServicesError with
// WaitForServices, and else a Connection without services: the person who has to
// choose them in PagerDuty may take a while. Once the link has succeeded and
// nobody waits for services, nothing is an error any more.
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
	connection := &Connection{Services: existing}
	switch {
	case len(existing) == 0:
		connection, err = c.link(ctx, accountID, options)
	case !options.AdoptExisting:
		err = &AlreadyConnectedError{Services: existing}
	}
	if err != nil {
		return nil, err
	}
	c.markConnected(accountID)
	return connection, nil
}

// link links an account that has no services, and waits for them to show.
func (c *Client) link(ctx context.Context, accountID string, options ConnectOptions) (*Connection, error) {
	// A list that began before the services showed must not be shared after.
	defer c.gate.forget(destinationPath(accountID))

	token, err := c.CreateIntegrationToken(ctx, accountID)
	if err != nil {
		return nil, err
	}
	id, err := c.Link(ctx, accountID, token)
	if err != nil && !IsOutcomeUnknown(err) {
		return nil, err
	}
	limit := connectPropagationTimeout
	if options.WaitForServices && err == nil {
		limit = timeLeft(ctx, c.clock)
	}
	started := c.clock.Now()
	services, pollErr := c.pollAfterChange(ctx, accountID, limit, func(s []Service) bool { return len(s) > 0 })
	switch {
	case len(services) > 0:
		return &Connection{ID: id, Services: services}, nil
	case err != nil:
		return nil, &LinkUnsettledError{Err: err, PollErr: pollErr}
	case options.WaitForServices:
		return nil, &NoServicesError{Waited: c.clock.Now().Sub(started), Err: pollErr}
	default:
		return &Connection{ID: id, PollErr: pollErr}, nil
	}
}

// Disconnect disconnects the account's PagerDuty services, one flow at a time for
// an account, and waits until none is listed. It disconnects nothing and returns
// *UnplannedServicesError when a service is listed that is not among approved.
//
// Where this client connected or adopted the account itself, its ownership has been
// transferred in the same run: nothing is disconnected and transferred is true.
func (c *Client) Disconnect(ctx context.Context, accountID string, approved []Service) (transferred bool, err error) {
	unlock, err := c.lock(ctx, accountID)
	if err != nil {
		return false, err
	}
	defer unlock()
	if c.ConnectedInRun(accountID) {
		return true, nil
	}
	defer c.gate.forget(destinationPath(accountID))

	// The API disconnects whatever there is, so what there is must be checked right
	// before each attempt.
	var checkErr error
	err = c.DeleteServices(ctx, accountID, func(ctx context.Context) error {
		checkErr = c.checkApproved(ctx, accountID, approved)
		return checkErr
	})
	switch {
	case errors.Is(checkErr, errNothingListed):
		return false, nil
	case checkErr != nil:
		return false, checkErr
	case err == nil, statusOf(err) == http.StatusNotFound, IsOutcomeUnknown(err) && ctx.Err() == nil:
		// Done, or settled by a list.
	default:
		return false, err
	}
	services, pollErr := c.pollAfterChange(ctx, accountID, disconnectPropagationTimeout, func(s []Service) bool { return len(s) == 0 })
	switch {
	case pollErr == nil && len(services) == 0:
		return false, nil
	case IsOutcomeUnknown(err):
		return false, err
	default:
		return false, &StillListedError{Services: services, Err: pollErr}
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
	unplanned := slices.DeleteFunc(services, func(s Service) bool {
		return slices.ContainsFunc(approved, func(a Service) bool { return a.ID == s.ID })
	})
	if len(unplanned) > 0 {
		return &UnplannedServicesError{Services: unplanned}
	}
	return nil
}

// list is ListServices without sharing: what others have under way may have begun
// too early.
func (c *Client) list(ctx context.Context, accountID string) ([]Service, error) {
	return c.sendList(ctx, c.listRequest(accountID))
}

// poll lists until done says so, or until a list after the limit, and returns the
// last services seen. The error is nil if done said so; else it is why the last
// list failed, if it did, or that the context has ended. A list that fails is not
// retried: it is followed by the next one.
func (c *Client) poll(ctx context.Context, accountID string, limit time.Duration, done func([]Service) bool) ([]Service, error) {
	var services []Service
	started := c.clock.Now()
	for pause := pollMin; ; pause = min(pause*3/2, pollMax) {
		req := c.listRequest(accountID)
		req.retries = 0
		listed, err := c.sendList(ctx, req)
		if err == nil {
			services = listed
			if done(listed) {
				return services, nil
			}
		}
		left := limit - c.clock.Now().Sub(started)
		if left <= 0 || errors.As(err, new(*RateLimitedError)) || errors.As(err, new(*EndedError)) {
			return services, err
		}
		if ended := sleep(ctx, c.clock, min(pause, left)); ended != nil {
			return services, errors.Join(err, &EndedError{Err: ended})
		}
	}
}

// pollAfterChange polls for what a change has led to. After an interrupt, it is
// worth one list.
func (c *Client) pollAfterChange(ctx context.Context, accountID string, limit time.Duration, done func([]Service) bool) ([]Service, error) {
	interrupt := ctx.Err()
	if interrupt == nil {
		return c.poll(ctx, accountID, limit, done)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), interruptedGracePeriod)
	defer cancel()
	isDone := false
	services, _ := c.poll(ctx, accountID, 0, func(listed []Service) bool {
		isDone = done(listed)
		return isDone
	})
	if isDone {
		return services, nil
	}
	return services, &EndedError{Err: interrupt}
}

// accountLocks holds a lock for each account of each API. It is the process's,
// not the client's: provider instances may share an account.
var accountLocks sync.Map

// lock waits until no other flow is under way on the account.
func (c *Client) lock(ctx context.Context, accountID string) (unlock func(), err error) {
	value, _ := accountLocks.LoadOrStore(c.baseURL+" "+strings.ToLower(accountID), semaphore.NewWeighted(1))
	lock := value.(*semaphore.Weighted) //nolint:forcetypeassert // Nothing else is stored.
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
