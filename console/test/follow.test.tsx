import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { useRef } from 'react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Player } from '../src/routes/video/player';
import { useFollow } from '../src/routes/video/use_follow';

afterEach(cleanup);

function Followed() {
  const scroller = useRef<HTMLDivElement>(null);
  const { following, setFollowing } = useFollow(scroller);
  return (
    <>
      <div ref={scroller} data-testid="scroller" />
      <button type="button" onClick={() => setFollowing(true)}>
        resume
      </button>
      <output>{following ? 'following' : 'free'}</output>
    </>
  );
}

describe('following the playback', () => {
  test.each([
    ['wheel', (element: Element) => fireEvent.wheel(element)],
    ['touch', (element: Element) => fireEvent.touchMove(element)],
    ['page key', (element: Element) => fireEvent.keyDown(element, { key: 'PageDown' })],
  ])('a reader who scrolls by %s stops it, the pill brings it back', (_, scroll) => {
    render(<Followed />);
    expect(screen.getByText('following')).toBeTruthy();
    scroll(screen.getByTestId('scroller'));
    expect(screen.getByText('free')).toBeTruthy();
    fireEvent.click(screen.getByText('resume'));
    expect(screen.getByText('following')).toBeTruthy();
  });
  test('scrolling by the page itself does not stop it', () => {
    render(<Followed />);
    fireEvent.scroll(screen.getByTestId('scroller'));
    fireEvent.keyDown(screen.getByTestId('scroller'), { key: 'j' });
    expect(screen.getByText('following')).toBeTruthy();
  });
});

describe('Player', () => {
  function attach(player: Player) {
    const media = document.createElement('audio');
    Object.defineProperty(media, 'readyState', { value: 1, configurable: true });
    Object.defineProperty(media, 'duration', { value: 100, configurable: true });
    player.attach(media);
    return media;
  }
  test('begins at the second of the address', () => {
    const player = new Player(61_000);
    const media = attach(player);
    expect(media.currentTime).toBe(61);
    expect(player.durationMs).toBe(100_000);
  });
  test('seeks inside the recording only', () => {
    const player = new Player(0);
    attach(player);
    player.seek(250_000);
    expect(player.timeMs).toBe(100_000);
    player.seek(-1);
    expect(player.timeMs).toBe(0);
  });
  test('tells its listeners', () => {
    const player = new Player(0);
    attach(player);
    const listener = vi.fn();
    const stop = player.subscribe(listener);
    player.seek(5_000);
    expect(listener).toHaveBeenCalled();
    stop();
    listener.mockClear();
    player.seek(6_000);
    expect(listener).not.toHaveBeenCalled();
  });
  test('steps through the speeds and stops at the ends', () => {
    const player = new Player(0);
    const media = attach(player);
    act(() => player.stepRate(1));
    expect(media.playbackRate).toBe(1.25);
    for (let i = 0; i < 20; i += 1) player.stepRate(-1);
    expect(player.rate).toBe(0.5);
  });
});
