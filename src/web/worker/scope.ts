/** The parts of a service worker's global scope that the page's worker uses. The types of the DOM do not have them. */
export interface WorkerScope {
  readonly location: Location;
  readonly clients: WorkerClients;
  readonly registration: ServiceWorkerRegistration;
  addEventListener<T extends keyof WorkerEvents>(type: T, listener: (event: WorkerEvents[T]) => void): void;
}

interface WorkerEvents {
  readonly install: LastingEvent;
  readonly activate: LastingEvent;
  readonly fetch: RequestEvent;
  readonly push: PushReceived;
  readonly notificationclick: NotificationClick;
}

/** An event whose handling may outlast the listener. */
export interface LastingEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}

export interface RequestEvent extends LastingEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

export interface PushReceived extends LastingEvent {
  readonly data: { json(): unknown } | null;
}

export interface NotificationClick extends LastingEvent {
  readonly notification: Notification;
}

export interface WorkerClients {
  claim(): Promise<void>;
  matchAll(options: { readonly type: "window"; readonly includeUncontrolled?: boolean }): Promise<Tab[]>;
  openWindow(url: string): Promise<unknown>;
}

export interface Tab {
  readonly focused: boolean;
  readonly visibilityState: DocumentVisibilityState;
  focus(): Promise<Tab>;
  postMessage(message: unknown): void;
}

export const scope = globalThis as unknown as WorkerScope;
