import { type RefObject, useEffect, useState } from 'react';

const SCROLL_KEYS = new Set(['ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End']);

function isOnScrollbar(event: PointerEvent, scroller: HTMLElement): boolean {
  return event.target === scroller && event.offsetX > scroller.clientWidth;
}

/**
 * Whether the transcript follows the playback. A reader who scrolls stops it; our own scrolling
 * does not, since only what people do is listened to, not the scroll event.
 */
export function useFollow(scroller: RefObject<HTMLElement | null>) {
  const [following, setFollowing] = useState(true);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const stop = () => setFollowing(false);
    const onKeyDown = (event: KeyboardEvent) => {
      if (SCROLL_KEYS.has(event.key)) stop();
    };
    const onPointerDown = (event: PointerEvent) => {
      if (isOnScrollbar(event, element)) stop();
    };
    element.addEventListener('wheel', stop, { passive: true });
    element.addEventListener('touchmove', stop, { passive: true });
    element.addEventListener('keydown', onKeyDown);
    element.addEventListener('pointerdown', onPointerDown);
    return () => {
      element.removeEventListener('wheel', stop);
      element.removeEventListener('touchmove', stop);
      element.removeEventListener('keydown', onKeyDown);
      element.removeEventListener('pointerdown', onPointerDown);
    };
  }, [scroller]);
  return { following, setFollowing };
}
